"""Turns labels as they were released into labels that can be read at once.

Finished files are left alone and files appear under their names only when complete, so that an interrupted
preparation goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from openvss.data import ade20k, coco_stuff, pascal_context
from openvss.data.catalogue import LAYOUTS, Listings
from openvss.data.conversion import Conversion
from openvss.errors import InputError, OutputError
from openvss.storage.atomic import replacing

PREPARERS: dict[str, Callable[[Path], list[Conversion]]] = {
    "coco-stuff": coco_stuff.conversions,
    "ade847": ade20k.conversions_847,
    "pc59": pascal_context.conversions_59,
    "pc459": pascal_context.conversions_459,
}


def prepare(name: str, root: Path, on_progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Prepare a data set for `name:root`; returns how many files were made, the others being there already.

    `on_progress` is told how many files are done, and how many there are.

    Raises:
        InputError: The data set is unknown or needs no preparation, or a released file is missing or broken.
        OutputError: A file could not be written.
    """
    if name not in PREPARERS:
        known = ", ".join(PREPARERS)
        if name in LAYOUTS:
            raise InputError(f"{name} is read as it was released; only {known} need preparing.")
        raise InputError(f"There is no data set {name!r} to prepare: give one of {known}.")
    if not root.is_dir():
        raise InputError(f"The folder {root} of {name} does not exist: check the path.")
    steps = PREPARERS[name](root)
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
            f"{step.target} cannot be written ({error.strerror}): make room or check permissions, then "
            "prepare again."
        ) from error
