"""Objects cut out of one picture and put into another, with their labels."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from projects.tiny.data import Floats, Ids, Picture

SMALLEST = 600  # pixels of an object worth pasting
MARGIN = 3


def unit(image: Image.Image) -> Floats:
    """0..255 to 0..1."""
    return np.asarray(image, np.float32) / np.float32(255)


@dataclass(frozen=True)
class Cutout:
    """An object in a picture: its box and class."""

    picture: Picture
    box: tuple[int, int, int, int]
    kind: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the box."""
        left, top, right, bottom = self.box
        return right - left, bottom - top

    def mask(self) -> npt.NDArray[np.bool_]:
        """Which pixels of the box are the object."""
        left, top, right, bottom = self.box
        return self.picture.ids()[top:bottom, left:right] == self.kind

    def is_whole(self) -> bool:
        """Whether it looks like one object that the edges of its picture do not cut."""
        left, top, right, bottom = self.box
        width, height = self.picture.pixels().size
        inside = left > 0 and top > 0 and right < width and bottom < height
        return inside and bool(self.mask().mean() >= 0.35)

    def varied(self, width: int, height: int, rng: random.Random) -> tuple[Floats, Floats]:
        """As `resized`, perhaps turned round, darker or brighter."""
        shown, cover = self.resized(width, height)
        if rng.random() < 0.5:
            shown, cover = shown[:, ::-1], cover[:, ::-1]
        return (shown * np.float32(rng.uniform(0.6, 1.3))).clip(0, 1), cover

    def resized(self, width: int, height: int) -> tuple[Floats, Floats]:
        """RGB in 0..1 (height, width, 3), and how opaque it is (height, width), with soft edges."""
        image = self.picture.pixels().crop(self.box).resize((width, height), Image.Resampling.BILINEAR)
        mask = Image.fromarray(self.mask()).convert("L").resize((width, height), Image.Resampling.BILINEAR)
        soft = mask.filter(ImageFilter.GaussianBlur(0.7))
        return unit(image), unit(soft)


def cut(picture: Picture, kind: int) -> Cutout | None:
    """What a picture shows of a class, if that is enough."""
    ys, xs = np.nonzero(picture.ids() == kind)
    if len(ys) <= SMALLEST:
        return None
    width, height = picture.pixels().size
    box = (
        max(0, int(xs.min()) - MARGIN),
        max(0, int(ys.min()) - MARGIN),
        min(width, int(xs.max()) + 1 + MARGIN),
        min(height, int(ys.max()) + 1 + MARGIN),
    )
    return Cutout(picture, box, kind)


def put(
    pixels: Floats,
    ids: Ids,
    shown: Floats,
    cover: Floats,
    corner: tuple[int, int],
    kind: int | None,
    hull: Floats | None = None,
) -> None:
    """Lay `shown` over a view in place, as far as it is inside.

    Args:
        pixels: RGB (H, W, 3).
        ids: (H, W).
        shown: RGB (h, w, 3).
        cover: How opaque it is, (h, w).
        corner: Column and row of its upper left corner.
        kind: Its class; none keeps the labels.
        hull: Has the class where it is more than a half; `cover` if it is not given.
    """
    x, y = corner
    height, width = cover.shape
    there = np.s_[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)]
    rows, columns = ids[there].shape
    here = np.s_[max(0, -y) : max(0, -y) + rows, max(0, -x) : max(0, -x) + columns]
    opaque = cover[here][..., None]
    pixels[there] = pixels[there] * (1 - opaque) + shown[here] * opaque
    if kind is not None:
        ids[there][(cover if hull is None else hull)[here] > 0.5] = kind
