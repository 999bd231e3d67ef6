"""COCO-Stuff: the 171 things and stuff classes on the images of COCO 2017.

    images/{train,val}2017/*.jpg
    annotations_detectron2/{train,val}2017/*.png       prepared: classes 0 to 170, 255 ignored
    stuffthingmaps/{train,val}2017/*.png               as released: COCO's ids less one, 0 to 181
    annotations/{train,val}2017/*.png                  the same, where published instructions put them

Prepared labels are read if they are there, else the released ones, which give the same classes.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from openvss.data.labels import SUFFIXES, IdTable, save_labels
from openvss.data.layout import (
    ClipSet,
    Conversion,
    Layout,
    files_in,
    first_folder,
    frames_in,
    image_clips,
    require_folder,
)
from openvss.data.synthetic.casts import NOTHING, STUFF, official
from openvss.data.synthetic.files import write_ids, write_image
from openvss.data.synthetic.job import Job, raw_ids
from openvss.words.vocabulary import Vocabulary

N_CLASSES = 171
# COCO numbers its things with gaps; these ids (less one) were never used.
UNUSED = {11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90}
RELEASED_IDS = [raw for raw in range(182) if raw not in UNUSED]
RELEASED = IdTable.of({raw: place for place, raw in enumerate(RELEASED_IDS)}, N_CLASSES, (255,))
PREPARED = IdTable.of({place: place for place in range(N_CLASSES)}, N_CLASSES, (255,))
PREPARED_FOLDER = "annotations_detectron2"
RELEASED_FOLDERS = ("stuffthingmaps", "annotations")
HINT = "give the folder of COCO-Stuff that holds images/ and stuffthingmaps/"


def read(root: Path, split: str) -> ClipSet:
    """A clip for every image of the split."""
    year = f"{split}2017"
    images = first_folder((root / "images" / year, root / year), HINT)
    prepared = root / PREPARED_FOLDER / year
    labels, table = prepared, PREPARED
    if not prepared.is_dir():
        labels, table = require_folder(_released(root, year), HINT), RELEASED
    clips = image_clips(frames_in(images), labels, ".png")
    return ClipSet("coco-stuff", root, split, Vocabulary.parse("coco-stuff"), table, clips)


def conversions(root: Path) -> list[Conversion]:
    """The prepared labels of every split that exists."""
    found = [folder for split in ("train", "val") if (folder := _released(root, f"{split}2017")).is_dir()]
    if not found:
        require_folder(_released(root, "val2017"), HINT)
    return [
        Conversion(root / PREPARED_FOLDER / folder.name / source.name, partial(_convert, source))
        for folder in found
        for source in files_in(folder, SUFFIXES)
    ]


def _released(root: Path, year: str) -> Path:
    """Where the released labels of a split are, or should be."""
    folders = [root / folder / year for folder in RELEASED_FOLDERS]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def _convert(source: Path, target: Path) -> None:
    save_labels(RELEASED.read(source), target)


def write(job: Job) -> None:
    """`images`, released `stuffthingmaps` with ids 0..181, prepared `annotations_detectron2` with 0..170."""
    objects = ("person", "car", "dog", "tree", "bus", "bird", "wood", "cat", "bench", "book")
    cast = official("coco-stuff", (*STUFF, *objects), NOTHING)
    raw = raw_ids(RELEASED_IDS, void=255)
    prepared = raw_ids(range(171), void=255)
    for split, i, pixels, ids in job.images(cast, ("train", "val")):
        name = f"{split}2017/{i + 1:012}"
        write_image(job.root / "images" / f"{name}.jpg", pixels)
        write_ids(job.root / "stuffthingmaps" / f"{name}.png", raw[ids])
        if not job.options.raw:
            write_ids(job.root / "annotations_detectron2" / f"{name}.png", prepared[ids])


LAYOUT = Layout(read, conversions=conversions, prepared=(PREPARED_FOLDER,), write=write)
