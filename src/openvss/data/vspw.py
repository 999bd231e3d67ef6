"""VSPW: 124 classes, every frame of every video labelled at 15 frames per second.

The original release and the 480p one are laid out alike:

    data/<video>/origin/*.jpg    data/<video>/mask/*.png    train.txt  val.txt  test.txt

Raw ids are 1 to 124, kept as classes 0 to 123. 0 is void; 255 is void as well, and so is 254, which is what
tools that subtract one from every pixel make of it.
"""

from __future__ import annotations

from pathlib import Path

from openvss.data.base import Clip
from openvss.data.labels import IdTable
from openvss.data.layout import ClipSet, frames_in, read_lines, require_folder
from openvss.words.vocabulary import Vocabulary

N_CLASSES = 124
VOID = (0, 254, 255)
TABLE = IdTable.of({raw: raw - 1 for raw in range(1, N_CLASSES + 1)}, N_CLASSES, VOID)


def read(root: Path, split: str) -> ClipSet:
    """The videos named in `<split>.txt`; without a mask folder, as in the test split, they have no labels."""
    data = require_folder(root / "data", "give the folder of VSPW that holds data/ and val.txt")
    videos = read_lines(root / f"{split}.txt", "give the folder of VSPW, with its lists of videos")
    clips = tuple(_clip(data / video) for video in videos)
    return ClipSet("vspw", root, split, Vocabulary.parse("vspw"), TABLE, clips)


def _clip(folder: Path) -> Clip:
    require_folder(folder / "origin", "get a complete copy of VSPW")
    frames = tuple(frames_in(folder / "origin"))
    masks = folder / "mask"
    labelled = masks.is_dir()
    return Clip(folder.name, frames, tuple(masks / f"{f.stem}.png" if labelled else None for f in frames))
