"""Random views for `tiny`: crops and mosaics of pictures, rare objects pasted in, re-lit."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from projects.tiny.data import IGNORE, NONE_OF_VOC, Floats, Ids, Picture
from projects.tiny.pasting import Cutout, cut, put, unit

# Objects that are cut out and pasted elsewhere: each kind is drawn as often as any other.
PASTED = (
    *("airplane", "bench", "bicycle", "bird", "boat", "bottle", "bus", "car", "chair", "couch"),
    *("dining table", "motorcycle", "person", "potted plant", "stop sign", "traffic light", "train"),
    *("truck", "tv"),
)
SHARE_OF_COCO = 0.4
SHARE_OF_MOSAICS = 0.2
SHARE_PASTED = 0.4


class Views:
    """Draws views of `size` x `size` pixels.

    Args:
        pictures: The two data sets.
        names: Of our classes, by id.
        size: Of a view.
        seed: Of all chance.
        backgrounds: What is behind the objects of VOC pictures, by their stem; `NONE_OF_VOC` if unknown.
    """

    def __init__(
        self,
        pictures: Mapping[str, Sequence[Picture]],
        names: Sequence[str],
        size: int,
        seed: int,
        backgrounds: Mapping[str, Ids] | None = None,
    ) -> None:
        self.pictures = pictures
        self.size, self.seed = size, seed
        self.backgrounds = backgrounds or {}
        pasted = {names.index(name) for name in PASTED if name in names}
        self.cutouts: dict[int, list[Cutout]] = {kind: [] for kind in sorted(pasted)}
        self.weights: dict[str, list[float]] = {}
        for source, those in pictures.items():
            present = [_present(picture.ids(), pasted) for picture in those]
            count = Counter(kind for kinds in present for kind in kinds)
            # a picture counts by the rarity of what it shows
            self.weights[source] = [sum(count[kind] ** -0.5 for kind in kinds) + 1e-6 for kinds in present]
            for picture, kinds in zip(those, present, strict=True):
                found = (cut(picture, kind) for kind in pasted & kinds)
                for cutout in filter(None, found):
                    self.cutouts[cutout.kind].append(cutout)
        self.kinds = [kind for kind, found in self.cutouts.items() if found]

    def draw(self, number: int) -> tuple[Floats, Ids]:
        """RGB in 0..1 (size, size, 3) and ids (size, size) of a view; its number decides all."""
        rng, size = random.Random(f"{self.seed} view {number}"), self.size
        if rng.random() < SHARE_OF_MOSAICS:
            pixels, ids = self._mosaic(rng)
        else:
            pixels, ids = self._place(rng, size, size, 0.75, 1.8)
        if self.kinds and rng.random() < SHARE_PASTED:
            for _ in range(rng.randint(1, 2)):
                self._paste(pixels, ids, rng)
        if rng.random() < 0.1:
            image = Image.fromarray((pixels * 255).clip(0, 255).astype(np.uint8))
            blurred = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5)))
            pixels = unit(blurred)
        return relight(pixels, rng), ids

    def _mosaic(self, rng: random.Random) -> tuple[Floats, Ids]:
        """Four pictures round a random point."""
        size = self.size
        pixels = np.zeros((size, size, 3), np.float32)
        ids = np.full((size, size), IGNORE, np.uint8)
        x, y = (rng.randint(size // 3, size - size // 3) for _ in range(2))
        for left, top, right, bottom in ((0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size)):
            part = self._place(rng, right - left, bottom - top, 0.8, 1.3)
            pixels[top:bottom, left:right], ids[top:bottom, left:right] = part
        return pixels, ids

    def _pick(self, rng: random.Random) -> Picture:
        source = "coco" if rng.random() < SHARE_OF_COCO else "voc"
        weights = None if rng.random() < 0.5 else self.weights[source]
        return rng.choices(self.pictures[source], weights)[0]

    def _place(
        self, rng: random.Random, width: int, height: int, smallest: float, largest: float
    ) -> tuple[Floats, Ids]:
        """A picture, scaled between `smallest` and `largest` times the size that just fills the place."""
        picture = self._pick(rng)
        image, ids = picture.pixels(), self._ids(picture)
        scale = math.exp(rng.uniform(math.log(smallest), math.log(largest))) * max(width, height)
        scale /= min(image.size)
        size = (
            max(32, round(image.size[0] * scale * math.exp(rng.uniform(-0.15, 0.15)))),
            max(32, round(image.size[1] * scale)),
        )
        left = rng.randint(min(0, size[0] - width), max(0, size[0] - width))
        top = rng.randint(min(0, size[1] - height), max(0, size[1] - height))
        box = (left, top, left + width, top + height)
        inside = np.asarray(Image.new("L", size, 1).crop(box)) == 1
        labels = np.asarray(Image.fromarray(ids).resize(size, Image.Resampling.NEAREST).crop(box))
        image = image.resize(size, Image.Resampling.BILINEAR).crop(box)
        pixels = unit(image)
        labels = np.where(inside, labels, np.uint8(IGNORE))
        if rng.random() < 0.5:
            pixels, labels = pixels[:, ::-1], labels[:, ::-1]
        return pixels.copy(), labels.copy()

    def _ids(self, picture: Picture) -> Ids:
        ids = picture.ids()
        behind = self.backgrounds.get(picture.image.stem)
        return ids if behind is None else np.where(ids == NONE_OF_VOC, behind, ids)

    def _paste(self, pixels: Floats, ids: Ids, rng: random.Random) -> None:
        """Put a random object somewhere, in place."""
        cutout = rng.choice(self.cutouts[rng.choice(self.kinds)])
        scale = math.exp(rng.uniform(math.log(0.12), math.log(0.9))) * self.size / max(cutout.size)
        width, height = (max(8, round(side * scale)) for side in cutout.size)
        shown, cover = cutout.resized(width, height)
        if rng.random() < 0.5:
            shown, cover = shown[:, ::-1], cover[:, ::-1]
        shown = relight(shown, rng)
        x = rng.randint(-(width // 4), self.size - width * 3 // 4)
        y = rng.randint(-(height // 4), self.size - height * 3 // 4)
        put(pixels, ids, shown, cover, (x, y), cutout.kind)


def _present(ids: Ids, pasted: set[int]) -> set[int]:
    """Classes that a picture shows; of those that are pasted any bit counts."""
    kinds, pixels = np.unique(ids, return_counts=True)
    return {
        int(k)
        for k, n in zip(kinds, pixels, strict=True)
        if k < NONE_OF_VOC and (n > 0.002 * ids.size or k in pasted)
    }


def relight(pixels: Floats, rng: random.Random) -> Floats:
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


def photographed(drawing: Floats, size: int, rng: random.Random) -> Floats:
    """A larger drawing (n, n, 3) as a view of `size`: with smooth edges, perhaps blurred, re-lit."""
    image = Image.fromarray((drawing * 255).clip(0, 255).astype(np.uint8))
    image = image.resize((size, size), Image.Resampling.BOX)
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.9)))
    return relight(unit(image), rng)


def manifest(pictures: Mapping[str, Sequence[Picture]]) -> list[str]:
    """`voc/2007_000032` and so on: what was trained on."""
    return [f"{source}/{Path(p.image).stem}" for source, those in pictures.items() for p in those]
