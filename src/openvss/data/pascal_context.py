"""PASCAL-Context: its 59 frequent classes, and all 459, on the images of VOC 2010.

    JPEGImages/*.jpg
    trainval/*.mat                                  as released: LabelMap of ids 1 to 459
    trainval_merged.json                            PASCAL in Detail's release of the 59 classes
    pascalcontext_{train,val}.txt or ImageSets/SegmentationContext/{train,val}.txt
    annotations_detectron2/pc59_{train,val}/*.png   prepared: 0 to 58, 255 ignored
    annotations_detectron2/pc459_{train,val}/*.tif  prepared: 0 to 458, 65535 ignored
    SegmentationContext/*.png or SegmentationClassContext/*.png     another preparation: 0 background, 1 to 59

Both lists number their classes alike, so that the 59 are picked from the 459.
"""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from openvss.data.base import Ids
from openvss.data.labels import SUFFIXES, IdTable, save_labels
from openvss.data.layout import ClipSet, Conversion, Layout, files_in, image_clips, read_lines, require_folder
from openvss.data.pascal_detail import Detail
from openvss.data.protocol import plain
from openvss.data.synthetic.casts import NOTHING, NOTHING_ELSE, STUFF, official
from openvss.data.synthetic.files import write_ids, write_image, write_json, write_lines, write_mat
from openvss.data.synthetic.job import ClassIds, Job, raw_ids
from openvss.errors import InputError
from openvss.video.formats.rle import encode
from openvss.video.pixels import Pixels
from openvss.words.vocabulary import Vocabulary

SPLITS = ("train", "val")
# The released id, of 459, of each of the 59 classes.
# fmt: off
FREQUENT = (
    2, 9, 18, 19, 22, 23, 25, 31, 33, 34, 44, 45, 46, 59, 65, 68, 72, 80, 85, 98, 104, 105, 113, 115, 144,
    158, 159, 162, 187, 189, 207, 220, 232, 258, 259, 260, 284, 295, 296, 308, 324, 326, 347, 349, 354, 355,
    360, 366, 368, 397, 415, 416, 420, 424, 427, 440, 445, 454, 458,
)
# fmt: on
PREPARED_59 = IdTable.of({place: place for place in range(59)}, 59, (255,))
WITH_BACKGROUND_59 = IdTable.of({place + 1: place for place in range(59)}, 59, (0, 255))
# 459 is how the published preparation marks what it ignores.
PREPARED_459 = IdTable.of({place: place for place in range(459)}, 459, (459, 65535))
RELEASED_59 = IdTable.of({raw: place for place, raw in enumerate(FREQUENT)}, 59, range(460))
RELEASED_459 = IdTable.of({raw: raw - 1 for raw in range(1, 460)}, 459, (0,))
PREPARED_FOLDER = "annotations_detectron2"
RARE = 459  # wool: a class of the 459 that is not one of the 59
HINT = "give the folder VOCdevkit/VOC2010"


def read_59(root: Path, split: str) -> ClipSet:
    """A clip for every image of the split."""
    images = require_folder(root / "JPEGImages", HINT)
    for folder in ("SegmentationContext", "SegmentationClassContext"):
        if (root / folder).is_dir() and not _prepared(root, "pc59", split).is_dir():
            frames = [images / f"{stem}.jpg" for stem in _names(root, split)]
            clips = image_clips(frames, root / folder, ".png")
            return ClipSet("pc59", root, split, Vocabulary.parse("pc59"), WITH_BACKGROUND_59, clips)
    return _read("pc59", root, split, PREPARED_59)


def read_459(root: Path, split: str) -> ClipSet:
    """A clip for every image of the split."""
    return _read("pc459", root, split, PREPARED_459)


def _read(name: str, root: Path, split: str, table: IdTable) -> ClipSet:
    """The images of the split's list; without a list those that have a prepared label."""
    images = require_folder(root / "JPEGImages", HINT)
    folder = require_folder(_prepared(root, name, split), f"run `openvss data prepare {name} {root}` once")
    listed = _list_of(root, split).is_file()
    stems = _names(root, split) if listed else [label.stem for label in files_in(folder, SUFFIXES)]
    clips = image_clips((images / f"{stem}.jpg" for stem in stems), folder, _ending(name))
    return ClipSet(name, root, split, Vocabulary.parse(name), table, clips)


def conversions_59(root: Path) -> list[Conversion]:
    """The 59 classes, from PASCAL in Detail's file, which published scores use, else from the .mat files."""
    file = root / "trainval_merged.json"
    if not file.is_file():
        return _from_released(root, "pc59", RELEASED_59)
    detail = Detail(file, dict(zip(FREQUENT, range(59), strict=True)))
    return [
        Conversion(
            _prepared(root, "pc59", picture.phase) / f"{Path(picture.file_name).stem}.png",
            partial(detail.write, picture),
        )
        for picture in detail.pictures()
        if picture.phase in SPLITS
    ]


def conversions_459(root: Path) -> list[Conversion]:
    """All 459 classes, from the released files."""
    return _from_released(root, "pc459", RELEASED_459)


def _from_released(root: Path, name: str, table: IdTable) -> list[Conversion]:
    folder = require_folder(
        root / "trainval", f"{HINT} with the files of PASCAL-Context (trainval.tar.gz) unpacked in it"
    )
    splits = [split for split in SPLITS if _list_of(root, split).is_file()]
    if not splits:
        _names(root, "val")
    return [
        Conversion(
            _prepared(root, name, split) / f"{stem}{_ending(name)}",
            partial(_convert, folder / f"{stem}.mat", table),
        )
        for split in splits
        for stem in _names(root, split)
    ]


def _convert(source: Path, table: IdTable, target: Path) -> None:
    classes: Ids = table.classes.take(_label_map(source))
    if (classes == table.unknown).any():
        raise InputError(f"{source} holds ids beyond 459: get another copy of PASCAL-Context.")
    save_labels(classes, target)


def _label_map(source: Path) -> Ids:
    if not source.is_file():
        raise InputError(f"{source} is missing: get a complete copy of PASCAL-Context.")
    try:
        # scipy is optional: nothing but these files needs it.
        content = importlib.import_module("scipy.io").loadmat(source)
        return np.asarray(content["LabelMap"]).astype(np.uint16)
    except ImportError as error:
        raise InputError("The .mat files of PASCAL-Context need scipy: run `pip install scipy`.") from error
    except Exception as error:  # scipy raises many kinds of errors for a damaged file
        raise InputError(f"{source} cannot be read as a label map: replace it.") from error


def _prepared(root: Path, name: str, split: str) -> Path:
    return root / PREPARED_FOLDER / f"{name}_{split}"


def _ending(name: str) -> str:
    return ".png" if name == "pc59" else ".tif"


def _names(root: Path, split: str) -> list[str]:
    return read_lines(_list_of(root, split), f"{HINT} with the list of the split's images")


def _list_of(root: Path, split: str) -> Path:
    usual = root / f"pascalcontext_{split}.txt"
    other = root / "ImageSets" / "SegmentationContext" / f"{split}.txt"
    return other if other.is_file() and not usual.is_file() else usual


def write_59(job: Job) -> None:
    """PASCAL-Context: released `.mat` files and PASCAL in Detail's JSON; prepared labels of 59 classes."""
    objects = ("person", "car", "dog", "tree", "wood", "bus", "cat", "horse")
    cast = official("pc59", (*STUFF, *objects), NOTHING, NOTHING_ELSE)
    raw = raw_ids(FREQUENT, void=0, also_void=RARE)
    prepared = raw_ids(range(59), void=255)
    pictures: list[object] = []
    regions: list[object] = []
    for split, i, pixels, ids in job.images(cast, ("train", "val")):
        name = _write_released(job, split, i, pixels, raw[ids])
        height, width = ids.shape
        image_id = 2008_000000 + len(pictures)
        about = {"image_id": image_id, "file_name": f"{name}.jpg", "phase": split}
        pictures.append({**about, "height": height, "width": width, "date_captured": "31-12-2010"})
        for number in np.unique(raw[ids][raw[ids] > 0]):
            mask = raw[ids] == number
            regions.append(
                {
                    "id": len(regions) + 1,
                    "image_id": image_id,
                    "category_id": int(number),
                    "segmentation": {"size": [height, width], "counts": _runs(mask)},
                    "area": int(mask.sum()),
                    "iscrowd": 0,
                }
            )
        if not job.options.raw:
            write_ids(job.root / "annotations_detectron2" / f"pc59_{split}" / f"{name}.png", prepared[ids])
    categories = [{"category_id": number} for number in (*FREQUENT, RARE)]
    content = {"images": pictures, "categories": categories, "annos_segmentation": regions}
    write_json(job.root / "trainval_merged.json", content)


def write_459(job: Job) -> None:
    """PASCAL-Context: released `.mat` files; prepared 16-bit labels of 459 classes."""
    objects = ("person", "car", "dog", "tree", "wool", "violin", "wood", "cat")
    cast = official("pc459", (*STUFF, *objects), NOTHING)
    raw = raw_ids(range(1, 460), void=0)
    prepared = raw_ids(range(459), void=65535)
    for split, i, pixels, ids in job.images(cast, ("train", "val")):
        name = _write_released(job, split, i, pixels, raw[ids])
        if not job.options.raw:
            labels = job.root / "annotations_detectron2" / f"pc459_{split}" / f"{name}.tif"
            write_ids(labels, prepared[ids])


def _write_released(job: Job, split: str, i: int, pixels: Pixels, raw: ClassIds) -> str:
    """The files that every kind of PASCAL-Context has; gives the image's name."""
    year = 2008 if split == "train" else 2010
    name = f"{year}_{i + 1:06}"
    write_image(job.root / "JPEGImages" / f"{name}.jpg", pixels)
    write_mat(job.root / "trainval" / f"{name}.mat", raw.astype(np.uint16))
    if i == 0:
        names = [f"{year}_{k + 1:06}" for k in range(job.options.images)]
        write_lines(job.root / f"pascalcontext_{split}.txt", names)
    return name


def _runs(mask: npt.NDArray[np.bool_]) -> str:
    """Lengths of the runs outside and inside in turn, down the columns, in COCO's compressed form."""
    cells = np.concatenate([[False], mask.ravel(order="F")])
    changes = np.flatnonzero(cells[1:] != cells[:-1])
    return encode(np.diff([0, *changes, mask.size]))


PC59 = Layout(
    read_59,
    protocols=(plain("pc-59", 59),),
    protocol="pc-59",
    conversions=conversions_59,
    prepared=(PREPARED_FOLDER,),
    write=write_59,
)
PC459 = Layout(
    read_459,
    protocols=(plain("pc-459", 459),),
    protocol="pc-459",
    conversions=conversions_459,
    prepared=(PREPARED_FOLDER,),
    write=write_459,
)
