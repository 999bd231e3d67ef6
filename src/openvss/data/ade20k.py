"""ADE20K: the scene parsing benchmark with 150 classes, and the full set with 847.

ADE-150, the folder ADEChallengeData2016; raw ids 1 to 150, 0 ignored:

    images/{training,validation}/*.jpg    annotations/{training,validation}/*.png

ADE-847, the folder ADE20K_2021_17_01, is prepared from the full release. Its classes are the pairs of red and
green of `*_seg.png`, of which the 847 frequent ones count. Images and labels whose sides both exceed 512 are
scaled to a short side of 512, the size at which this benchmark is scored:

    images/ADE/{training,validation}/**/*.jpg, *_seg.png         as released
    images_detectron2/{training,validation}/*.jpg                prepared
    annotations_detectron2/{training,validation}/*.tif           prepared: 16 bits, 65535 ignored
"""

from __future__ import annotations

import functools
import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from openvss.data.base import Ids
from openvss.data.labels import IdTable, save_labels
from openvss.data.layout import ClipSet, Conversion, Layout, frames_in, image_clips, require_folder
from openvss.data.protocol import plain
from openvss.data.synthetic.casts import NOTHING, STUFF, official
from openvss.data.synthetic.files import write_ids, write_image
from openvss.data.synthetic.job import Job, raw_ids
from openvss.errors import InputError
from openvss.words.vocabulary import Vocabulary

FOLDERS = {"train": "training", "val": "validation"}
SHORT_SIDE = 512
SEGMENTS = "_seg.png"
JPEG_QUALITY = 95
TABLE_150 = IdTable.of({raw: raw - 1 for raw in range(1, 151)}, 150, (0,))
TABLE_847 = IdTable.of({place: place for place in range(847)}, 847, (65535,))
HINT_847 = "run `openvss data prepare ade847 ROOT` on the folder ADE20K_2021_17_01 first"


def read_150(root: Path, split: str) -> ClipSet:
    """A clip for every image of the split."""
    hint = "give the folder ADEChallengeData2016, which holds images/ and annotations/"
    images = require_folder(root / "images" / FOLDERS[split], hint)
    labels = require_folder(root / "annotations" / FOLDERS[split], hint)
    clips = image_clips(frames_in(images), labels, ".png")
    return ClipSet("ade150", root, split, Vocabulary.parse("ade150"), TABLE_150, clips)


def read_847(root: Path, split: str) -> ClipSet:
    """A clip for every image of the split in the full release; without that, for every prepared one."""
    images = require_folder(root / "images_detectron2" / FOLDERS[split], HINT_847)
    labels = require_folder(root / "annotations_detectron2" / FOLDERS[split], HINT_847)
    released = _segments_in(root / "images" / "ADE" / FOLDERS[split])
    frames = [images / f"{path.name.removesuffix(SEGMENTS)}.jpg" for path in released] or frames_in(images)
    clips = image_clips(frames, labels, ".tif")
    return ClipSet("ade847", root, split, Vocabulary.parse("ade847"), TABLE_847, clips)


def conversions_847(root: Path) -> list[Conversion]:
    """The prepared images and labels of the full release."""
    released = require_folder(root / "images" / "ADE", "give the folder ADE20K_2021_17_01")
    steps: list[Conversion] = []
    for segments in _segments_in(released):
        name = segments.name.removesuffix(SEGMENTS)
        folder = FOLDERS["val" if name.startswith("ADE_val") else "train"]
        image = segments.with_name(f"{name}.jpg")
        prepared = root / "images_detectron2" / folder / image.name
        steps.append(Conversion(prepared, functools.partial(_shrink_image, image)))
        labels = root / "annotations_detectron2" / folder / f"{name}.tif"
        steps.append(Conversion(labels, functools.partial(_convert_segments, segments)))
    return steps


def _segments_in(released: Path) -> list[Path]:
    return sorted(released.rglob(f"*{SEGMENTS}"))


@functools.cache
def released_ids() -> tuple[int, ...]:
    """The number that the full release gives each of the 847 classes, in order of id."""
    text = resources.files("openvss.data").joinpath("ade847_ids.txt").read_text(encoding="utf-8")
    _, *lines = text.splitlines()
    return tuple(int(number) for line in lines for number in line.split())


@functools.cache
def _released_table() -> Ids:
    table = np.full(26 * 256, 65535, np.uint16)  # red is at most 255, so at most 25 * 256 + 255
    table[list(released_ids())] = np.arange(847)
    return table


def _convert_segments(source: Path, target: Path) -> None:
    colours = _read_colours(source)
    number = colours[..., 0].astype(np.int32) // 10 * 256 + colours[..., 1]
    classes = _released_table()[number]
    height, width = _prepared_size(*classes.shape)
    rows = np.arange(height) * classes.shape[0] // height
    columns = np.arange(width) * classes.shape[1] // width
    save_labels(classes[rows[:, None], columns], target)


def _read_colours(path: Path) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(path, formats=("PNG",)) as image:
            if image.mode != "RGB":
                raise InputError(f"{path} is a {image.mode} picture, not the RGB of ADE20K: replace it.")
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a PNG: replace it.") from error


def _shrink_image(source: Path, target: Path) -> None:
    try:
        with Image.open(source, formats=("JPEG",)) as file:
            image = file.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{source} cannot be read as a JPEG: replace it.") from error
    height, width = _prepared_size(image.height, image.width)
    if (width, height) == image.size:
        shutil.copyfile(source, target)
    else:
        small = image.resize((width, height), Image.Resampling.BILINEAR)
        small.save(target, "JPEG", quality=JPEG_QUALITY)


def _prepared_size(height: int, width: int) -> tuple[int, int]:
    short = min(height, width)
    if short <= SHORT_SIDE:
        return height, width
    return round(height / short * SHORT_SIDE), round(width / short * SHORT_SIDE)


def write_150(job: Job) -> None:
    """`images` and `annotations` of the scene parsing benchmark: 1..150, 0 for everything else."""
    objects = ("person", "car", "tree", "flower", "bus", "book", "clock", "bench")
    cast = official("ade150", (*STUFF, *objects), NOTHING)
    raw = raw_ids(range(1, 151), void=0)
    for split, i, pixels, ids in job.images(cast, ("training", "validation")):
        name = f"{split}/ADE_{split.removesuffix('idation').removesuffix('ing')}_{i + 1:08}"
        write_image(job.root / "images" / f"{name}.jpg", pixels)
        write_ids(job.root / "annotations" / f"{name}.png", raw[ids])


def write_847(job: Job) -> None:
    """The full release's colours, and the prepared 16-bit labels of 847 classes."""
    objects = ("person", "car", "dog", "tree", "adding machine", "cat", "guitar", "clock")
    cast = official("ade847", (*STUFF, *objects), NOTHING)
    raw = raw_ids(released_ids(), void=0)
    prepared = raw_ids(range(847), void=65535)
    for split, i, pixels, ids in job.images(cast, ("training", "validation")):
        name = f"ADE_{split.removesuffix('idation').removesuffix('ing')}_{i + 1:08}"
        released = job.root / "images" / "ADE" / split / "urban" / "street"
        write_image(released / f"{name}.jpg", pixels)
        number = raw[ids]
        instance = np.where(number > 0, 255, 0)
        colours = np.stack([number // 256 * 10, number % 256, instance], axis=-1).astype(np.uint8)
        write_image(released / f"{name}_seg.png", colours)
        if not job.options.raw:
            write_image(job.root / "images_detectron2" / split / f"{name}.jpg", pixels)
            write_ids(job.root / "annotations_detectron2" / split / f"{name}.tif", prepared[ids])


ADE150 = Layout(read_150, protocols=(plain("a-150", 150),), protocol="a-150", write=write_150)
ADE847 = Layout(
    read_847,
    protocols=(plain("a-847", 847),),
    protocol="a-847",
    conversions=conversions_847,
    prepared=("images_detectron2", "annotations_detectron2"),
    write=write_847,
)
