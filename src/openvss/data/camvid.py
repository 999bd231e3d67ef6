"""CamVid: 11 classes, in the layout and with the ids of the SegNet tutorial.

    {train,val,test}/*.png    {train,val,test}annot/*.png    0 to 10, 11 is void

Each image is a clip of its own: the labelled frames are mostly a second apart.
"""

from __future__ import annotations

from pathlib import Path

from openvss.data.labels import IdTable
from openvss.data.layout import ClipSet, Layout, frames_in, image_clips, require_folder
from openvss.data.synthetic.casts import NOTHING, official
from openvss.data.synthetic.files import write_ids, write_image
from openvss.data.synthetic.job import Job, raw_ids
from openvss.words.vocabulary import Vocabulary

TABLE = IdTable.of({raw: raw for raw in range(11)}, 11, (11, 255))
HINT = "give the folder of CamVid that holds train/ and trainannot/"


def read(root: Path, split: str) -> ClipSet:
    """A clip for every image of the split."""
    images = require_folder(root / split, HINT)
    labels = require_folder(root / f"{split}annot", HINT)
    clips = image_clips(frames_in(images), labels, ".png")
    return ClipSet("camvid", root, split, Vocabulary.parse("camvid"), TABLE, clips)


def write(job: Job) -> None:
    """`train`, `trainannot` and so on with ids 0..10, 11 void: frames of a drive, a second apart."""
    words = ("sky", "building", "road", "pavement", "car", "pedestrian", "tree", "bicyclist", "sign symbol")
    cast = official("camvid", (*words, "pole", "fence"), NOTHING)
    raw = raw_ids(range(11), void=11)
    for number, (split, drive) in enumerate((("train", "0001TP"), ("val", "0016E5"), ("test", "Seq05VD"))):
        for t, (pixels, ids) in enumerate(job.video(cast, number, job.options.images)):
            name = f"{drive}_{30 * t:06}.png"
            write_image(job.root / split / name, pixels)
            write_ids(job.root / f"{split}annot" / name, raw[ids])


LAYOUT = Layout(read, splits=("val", "train", "test"), write=write)
