"""What a shell completes: names of models, formats, built-in lists and devices. Nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Iterable

from openvss.words import builtin


def models(incomplete: str) -> list[str]:
    """Of presets."""
    from openvss.models.registry import PRESETS

    return _starting(PRESETS, incomplete)


def formats(incomplete: str) -> list[str]:
    """Of formats, the last of those joined by commas."""
    from openvss.video.formats.catalogue import FORMATS

    before, comma, last = incomplete.rpartition(",")
    given = before.split(",")
    return [f"{before}{comma}{name}" for name in _starting(FORMATS, last) if name not in given]


def words(incomplete: str) -> list[str]:
    """Of built-in lists."""
    return _starting((*builtin.NAMES, *builtin.RAW_NAMES), incomplete)


def devices(incomplete: str) -> list[str]:
    """Of devices that there may be."""
    return _starting(("auto", "cpu", "cuda", "mps"), incomplete)


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
