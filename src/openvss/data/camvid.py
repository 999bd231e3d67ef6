"""CamVid: 11 classes, in the layout and with the ids of the SegNet tutorial.

    {train,val,test}/*.png    {train,val,test}annot/*.png    0 to 10, 11 is void

Each image is a clip of its own: the labelled frames are mostly a second apart.
"""

from __future__ import annotations

from pathlib import Path

from openvss.data.labels import IdTable
from openvss.data.layout import ClipSet, frames_in, image_clips, require_folder
from openvss.words.vocabulary import Vocabulary

TABLE = IdTable.of({raw: raw for raw in range(11)}, 11, (11, 255))
HINT = "give the folder of CamVid that holds train/ and trainannot/"


def read(root: Path, split: str) -> ClipSet:
    """A clip for every image of the split."""
    images = require_folder(root / split, HINT)
    labels = require_folder(root / f"{split}annot", HINT)
    clips = image_clips(frames_in(images), labels, ".png")
    return ClipSet("camvid", root, split, Vocabulary.parse("camvid"), TABLE, clips)
