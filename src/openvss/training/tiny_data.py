"""Images and labels that `tiny` learns from: VOC and COCO folders, one vocabulary, random views."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from openvss.errors import InputError

IGNORE = 255
NONE_OF_VOC = 254  # VOC's background: whatever it is, it is none of the 20 classes
VOC_SPELLING = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}


@dataclass(frozen=True)
class Picture:
    """An image with its label file and the table from the data set's ids to ours."""

    image: Path
    label: Path
    table: npt.NDArray[np.uint8]

    def read(self) -> tuple[Image.Image, Image.Image]:
        """Pixels and ids."""
        return _image(self.image), Image.fromarray(self.table[_label(self.label)])


@cache
def _image(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


@cache
def _label(path: Path) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def read_words(name: str) -> list[tuple[str, ...]]:
    """A list of labels with synonyms that ships beside this file."""
    lines = files("openvss.training").joinpath(name).read_text(encoding="utf-8").splitlines()
    return [tuple(w.strip() for w in line.split("|")) for line in lines if line and not line.startswith("#")]


def read_classes(root: Path) -> dict[int, str]:
    """`classes.txt`: an id and a name a line."""
    file = root / "classes.txt"
    if not file.is_file():
        raise InputError(
            f"{root} has no classes.txt: it should hold images/, labels/, classes.txt and held_out.txt."
        )
    rows = [line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {int(number): name.strip() for number, name in rows}


def read_pictures(root: Path, words: list[tuple[str, ...]], held_out: bool = False) -> list[Picture]:
    """The pictures of a folder to train on, or those that its `held_out.txt` names."""
    ids = {synonyms[0]: i for i, synonyms in enumerate(words)}
    table = np.full(256, IGNORE, np.uint8)
    for number, name in read_classes(root).items():
        table[number] = NONE_OF_VOC if name == "background" else ids[VOC_SPELLING.get(name, name)]
    kept = set((root / "held_out.txt").read_text(encoding="utf-8").split())
    return [
        Picture(image, root / "labels" / f"{image.stem}.png", table)
        for image in sorted((root / "images").iterdir())
        if (image.stem in kept) == held_out
    ]


def view(picture: Picture, crop: int, rng: random.Random) -> tuple[Tensor, Tensor]:
    """A random view, mirrored and re-lit: (3, crop, crop) in 0..1 and (crop, crop) ids."""
    image, label = picture.read()
    width, height = image.size
    scale = crop / min(height, width) * math.exp(rng.uniform(math.log(0.8), math.log(2.0)))
    size = (
        max(32, round(width * scale * math.exp(rng.uniform(-0.15, 0.15)))),
        max(32, round(height * scale)),
    )
    left = rng.randint(min(0, size[0] - crop), max(0, size[0] - crop))
    top = rng.randint(min(0, size[1] - crop), max(0, size[1] - crop))
    box = (left, top, left + crop, top + crop)
    image = image.resize(size, Image.Resampling.BILINEAR).crop(box)
    inside = Image.new("L", size, 1).crop(box)
    label = label.resize(size, Image.Resampling.NEAREST).crop(box)
    if rng.random() < 0.1:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5)))
    pixels = _relight(np.asarray(image, np.float32) / np.float32(255), rng)
    ids = np.where(np.asarray(inside) == 1, np.asarray(label), IGNORE)
    if rng.random() < 0.5:
        pixels, ids = pixels[:, ::-1], ids[:, ::-1]
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy()), torch.from_numpy(ids.astype(np.int64))


def _relight(pixels: npt.NDArray[np.float32], rng: random.Random) -> npt.NDArray[np.float32]:
    """Brightness, contrast, saturation and tint of four images in five; one in twenty without colour."""
    if rng.random() < 0.8:
        pixels = pixels * rng.uniform(0.6, 1.4)
        mean = pixels.mean()
        pixels = (pixels - mean) * rng.uniform(0.6, 1.4) + mean
        grey = pixels.mean(2, keepdims=True)
        pixels = (pixels - grey) * rng.uniform(0.3, 1.6) + grey
        tint = np.array([rng.uniform(0.9, 1.1) for _ in range(3)], np.float32)
        pixels = (pixels * tint).clip(0, 1)
    if rng.random() < 0.05:
        pixels = pixels.mean(2, keepdims=True).repeat(3, axis=2)
    return pixels
