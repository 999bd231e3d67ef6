"""The layouts of images: COCO-Stuff, ADE20K, PASCAL-Context and PASCAL VOC."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from openvss.data.ade20k import released_ids
from openvss.data.coco_stuff import RELEASED_IDS
from openvss.data.pascal_context import FREQUENT
from openvss.data.synthetic.casts import ALSO_VOID, NOTHING, NOTHING_ELSE, Cast, official
from openvss.data.synthetic.files import (
    write_ids,
    write_image,
    write_json,
    write_lines,
    write_mat,
    write_palette,
)
from openvss.data.synthetic.job import ClassIds, Job, raw_ids
from openvss.data.synthetic.scenes import Pixels
from openvss.video.formats.rle import encode

IGNORE, IGNORE_16 = 255, 65535
REGION_WORDS = ("sky", "wall", "building", "mountain", "road", "grass", "floor")

RARE = 459  # wool: a class of the 459 that is none of the 59


def write_coco_stuff(job: Job) -> None:
    """`images`, released `stuffthingmaps` with ids 0..181, prepared `annotations_detectron2` with 0..170."""
    objects = ("person", "car", "dog", "tree", "bus", "bird", "wood", "cat", "bench", "book")
    cast = official("coco-stuff", (*REGION_WORDS, *objects), NOTHING)
    raw = raw_ids(RELEASED_IDS, void=IGNORE)
    prepared = raw_ids(range(171), void=IGNORE)
    for split, i, pixels, ids in _images(job, cast, ("train", "val")):
        name = f"{split}2017/{i + 1:012}"
        write_image(job.root / "images" / f"{name}.jpg", pixels)
        write_ids(job.root / "stuffthingmaps" / f"{name}.png", raw[ids])
        if not job.options.raw:
            write_ids(job.root / "annotations_detectron2" / f"{name}.png", prepared[ids])


def write_ade150(job: Job) -> None:
    """`images` and `annotations` of the scene parsing benchmark: 1..150, 0 for everything else."""
    objects = ("person", "car", "tree", "flower", "bus", "book", "clock", "bench")
    cast = official("ade150", (*REGION_WORDS, *objects), NOTHING)
    raw = raw_ids(range(1, 151), void=0)
    for split, i, pixels, ids in _images(job, cast, ("training", "validation")):
        name = f"{split}/ADE_{split.removesuffix('idation').removesuffix('ing')}_{i + 1:08}"
        write_image(job.root / "images" / f"{name}.jpg", pixels)
        write_ids(job.root / "annotations" / f"{name}.png", raw[ids])


def write_ade847(job: Job) -> None:
    """The full release's colours, and the prepared 16-bit labels of 847 classes."""
    objects = ("person", "car", "dog", "tree", "adding machine", "cat", "guitar", "clock")
    cast = official("ade847", (*REGION_WORDS, *objects), NOTHING)
    raw = raw_ids(released_ids(), void=0)
    prepared = raw_ids(range(847), void=IGNORE_16)
    for split, i, pixels, ids in _images(job, cast, ("training", "validation")):
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


def write_pc59(job: Job) -> None:
    """PASCAL-Context: released `.mat` files and PASCAL in Detail's JSON; prepared labels of 59 classes."""
    objects = ("person", "car", "dog", "tree", "wood", "bus", "cat", "horse")
    cast = official("pc59", (*REGION_WORDS, *objects), NOTHING, NOTHING_ELSE)
    raw = raw_ids(FREQUENT, void=0, also_void=RARE)
    prepared = raw_ids(range(59), void=IGNORE)
    pictures: list[object] = []
    regions: list[object] = []
    for split, i, pixels, ids in _images(job, cast, ("train", "val")):
        name = _write_released_context(job, split, i, pixels, raw[ids])
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


def write_pc459(job: Job) -> None:
    """PASCAL-Context: released `.mat` files; prepared 16-bit labels of 459 classes."""
    objects = ("person", "car", "dog", "tree", "wool", "violin", "wood", "cat")
    cast = official("pc459", (*REGION_WORDS, *objects), NOTHING)
    raw = raw_ids(range(1, 460), void=0)
    prepared = raw_ids(range(459), void=IGNORE_16)
    for split, i, pixels, ids in _images(job, cast, ("train", "val")):
        name = _write_released_context(job, split, i, pixels, raw[ids])
        if not job.options.raw:
            labels = job.root / "annotations_detectron2" / f"pc459_{split}" / f"{name}.tif"
            write_ids(labels, prepared[ids])


def write_voc(job: Job) -> None:
    """PASCAL VOC 2012: palette labels, the same in grey, 0 for background and 255 for void."""
    animals = ("person", "dog", "cat", "bird", "horse", "cow", "sheep")
    things = ("car", "bottle", "train", "boat", "bicycle", "motorbike", "aeroplane")
    cast = official("voc20", (*animals, *things), NOTHING, background=ALSO_VOID)
    raw = raw_ids(range(1, 21), void=IGNORE, also_void=0)
    names: dict[str, list[str]] = {"train": [], "val": []}
    for split, i, pixels, ids in _images(job, cast, tuple(names)):
        name = f"{2007 if split == 'train' else 2011}_{i + 1:06}"
        names[split].append(name)
        write_image(job.root / "JPEGImages" / f"{name}.jpg", pixels)
        write_palette(job.root / "SegmentationClass" / f"{name}.png", raw[ids])
        write_ids(job.root / "SegmentationClassAug" / f"{name}.png", raw[ids])
    lists = {**names, "trainaug": names["train"], "trainval": [*names["train"], *names["val"]]}
    for split, of_split in lists.items():
        write_lines(job.root / "ImageSets" / "Segmentation" / f"{split}.txt", of_split)


def _images(job: Job, cast: Cast, splits: tuple[str, ...]) -> Iterator[tuple[str, int, Pixels, ClassIds]]:
    """The images of each split: its name, their number in it, pixels and class ids."""
    n_images = job.options.images
    for split_number, split in enumerate(splits):
        for i in range(n_images):
            yield split, i, *job.image(cast, split_number * n_images + i)


def _write_released_context(job: Job, split: str, i: int, pixels: Pixels, raw: ClassIds) -> str:
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
