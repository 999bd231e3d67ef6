"""The data sets by name, and `name:root` opened as one, with all of its files checked to exist."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from openvss.data import (
    ade20k,
    camvid,
    cityscapes,
    coco_stuff,
    folder,
    pascal_context,
    voc,
    vspw,
)
from openvss.data.base import Clip, Dataset
from openvss.data.layout import ClipSet, Layout
from openvss.errors import InputError
from openvss.plugs import Table

LAYOUTS: Table[Layout] = Table(
    "data set",
    {
        "vspw": vspw.LAYOUT,
        "cityscapes": cityscapes.LAYOUT,
        "coco-stuff": coco_stuff.LAYOUT,
        "ade150": ade20k.ADE150,
        "ade847": ade20k.ADE847,
        "pc59": pascal_context.PC59,
        "pc459": pascal_context.PC459,
        "voc20": voc.VOC20,
        "voc20b": voc.VOC20B,
        "camvid": camvid.LAYOUT,
        "folder": folder.LAYOUT,
    },
    group="openvss.datasets",
)


def open_dataset(spec: str, split: str | None = None, *, labelled: bool = True) -> Dataset:
    """Open a data set to score or train on.

    Args:
        spec: `name:root`, such as `vspw:/data/VSPW_480p`.
        split: Such as "val", which is the default of all but `folder`, whose default is everything.
        labelled: Whether every clip must have labels. If not, label files that are missing are left out, for
            sets whose labels are kept secret.

    Raises:
        InputError: The data set is unknown, incomplete or empty; the message says what to do.
    """
    opened = read_layout(spec, split)
    files = Listings()
    if not labelled:
        return replace(opened, clips=tuple(_without_missing(clip, files) for clip in opened.clips))
    for clip in opened.clips:
        if not clip.frames:
            raise InputError(f"The video {clip.name} of {spec} has no frames: remove it, or add its images.")
        if not any(clip.labels):
            raise InputError(f"{clip.name} of {spec} has no labels: add them, or choose another split.")
    missing = list(missing_files(opened.clips, files))
    if missing:
        more = f" with {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"The file {missing[0]} is missing{more}: {remedy(opened, missing[0])}.")
    return opened


def read_layout(spec: str, split: str | None = None) -> ClipSet:
    """The clips that a data set's folders and lists name, whether or not all of their files exist."""
    name, colon, root = spec.partition(":")
    layout = LAYOUTS.find(name, ", as name:root")
    if not colon or not root.strip():
        raise InputError(f"{spec!r} does not say where the data set is: give name:root, such as {name}:DATA.")
    path = Path(root.strip()).expanduser()
    if not path.is_dir():
        raise InputError(f"The folder {path} of {name} does not exist: check the path.")
    split = split or layout.splits[0]
    if split not in layout.splits and not layout.own_splits:
        raise InputError(f"{name} has no split {split!r}: choose among {', '.join(layout.splits)}.")
    opened = layout.read(path, split)
    if not opened.clips:
        raise InputError(f"{spec} has no images in the split {split!r}: check the folder.")
    _require_distinct(spec, opened.clips)
    return opened


class Listings:
    """Knows which files exist, listing each folder once."""

    def __init__(self) -> None:
        self._names: dict[Path, set[str]] = {}

    def __contains__(self, path: Path) -> bool:
        folder = path.parent
        if folder not in self._names:
            self._names[folder] = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
        return path.name in self._names[folder]


def missing_files(clips: Iterable[Clip], files: Listings) -> Iterable[Path]:
    """The frames and labels of clips that are not on disk."""
    for clip in clips:
        for path in (*clip.frames, *clip.labels):
            if path is not None and path not in files:
                yield path


def remedy(opened: ClipSet, path: Path) -> str:
    """What to do about a file of a data set that is missing."""
    prepared = LAYOUTS[opened.name].prepared if opened.name in LAYOUTS else ()
    if path.relative_to(opened.root).parts[0] in prepared:
        return f"run `openvss data prepare {opened.name} {opened.root}` again"
    return "get a complete copy of the data"


def _without_missing(clip: Clip, files: Listings) -> Clip:
    labels = tuple(path if path is not None and path in files else None for path in clip.labels)
    return replace(clip, labels=labels)


def _require_distinct(spec: str, clips: Iterable[Clip]) -> None:
    seen: set[str] = set()
    for clip in clips:
        if clip.name in seen:
            raise InputError(
                f"Two images or videos of {spec} are called {clip.name}: rename one, or list it only once."
            )
        seen.add(clip.name)
