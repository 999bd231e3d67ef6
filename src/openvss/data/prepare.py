"""Turns labels as they were released into labels that can be read at once.

Finished files are left alone and files appear under their names only when complete, so that an interrupted
preparation resumes where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from openvss.data.catalogue import LAYOUTS, Listings
from openvss.data.layout import Conversion
from openvss.errors import InputError, OutputError
from openvss.storage.atomic import replacing


def preparable() -> list[str]:
    """The data sets whose labels are prepared before they are read."""
    return [name for name, layout in LAYOUTS.items() if layout.conversions is not None]


def prepare(name: str, root: Path, on_progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Prepare a data set for `name:root`; returns how many files were made, the others being there already.

    `on_progress` is told how many files are done, and how many there are.

    Raises:
        InputError: The data set is unknown or needs no preparation, or a released file is missing or broken.
        OutputError: A file could not be written.
    """
    known = ", ".join(preparable())
    if name not in LAYOUTS:
        raise InputError(f"No data set {name!r} can be prepared: choose one of {known}.")
    conversions = LAYOUTS[name].conversions
    if conversions is None:
        raise InputError(f"{name} is read as it was released; only {known} need preparing.")
    if not root.is_dir():
        raise InputError(f"The folder {root} of {name} does not exist: check the path.")
    steps = conversions(root)
    if not steps:
        raise InputError(f"{root} holds no released labels of {name}: check the folder.")
    finished = Listings()
    made = 0
    for number, step in enumerate(steps, 1):
        if step.target not in finished:
            _make(step)
            made += 1
        on_progress(number, len(steps))
    return made


def _make(step: Conversion) -> None:
    try:
        step.target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(step.target) as draft:
            step.write(draft)
    except OSError as error:
        raise OutputError(
            f"{step.target} cannot be written ({error.strerror}): free some space or check permissions, then "
            "prepare again."
        ) from error
