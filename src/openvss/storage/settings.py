"""The settings that a run leaves in its folder, and how they differ from those of another run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

Settings = Mapping[str, Any]


class Difference(NamedTuple):
    """A setting that two runs do not share; `key` is dotted where settings are nested."""

    key: str
    before: Any
    now: Any

    def __str__(self) -> str:
        if self.key.endswith("sha256"):  # the values are unreadable
            return self.key
        return f"{self.key}: {_short(self.before)} then, {_short(self.now)} now"


def differences(before: Settings, now: Settings, prefix: str = "") -> list[Difference]:
    """Every setting that differs, in the order of their names; one that is missing counts as null."""
    found = []
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, f"{prefix}{key}.")
        elif old != new:
            found.append(Difference(f"{prefix}{key}", old, new))
    return found


def read_settings(places: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """The JSON objects in those of the files that hold one."""
    for path in places:
        try:
            settings = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, IsADirectoryError, ValueError, RecursionError):
            continue
        if isinstance(settings, dict):
            yield settings


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
