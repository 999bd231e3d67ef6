"""Random views of clips for training: one draw serves all frames of a clip and their masks.

`draw` decides, `apply_to_frames` and `apply_to_masks` carry out; the same draw may be applied to further
frames of the video, such as a distant one. Pixels come out as RGB in 0..1: models normalise them themselves.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from openvss.data.base import Ids
from openvss.video.pixels import Pixels

RGBFloats = npt.NDArray[np.float32]  # (H, W, 3) in 0..1
Box = tuple[float, float, float, float]  # left, top, right, bottom
Colours = tuple[tuple[float, float, float, float], ...]  # 3 x 4: a linear map of RGB, then an offset

PADDING = (0.485, 0.456, 0.406)  # the mean colour of ImageNet: near zero once a model has normalised
CROP_TRIES = 10
LUMA = np.array([0.299, 0.587, 0.114])
# RGB to luma and two colour axes (YIQ), where a turn about the first changes the hue and nothing else.
TO_YIQ = np.array([LUMA, [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])


@dataclass(frozen=True)
class Augmentation:
    """How far views may differ from the frames; the defaults are the papers' for 480p video.

    Attributes:
        crop: Height and width of a view.
        base: Longer and shorter side of the box that a frame is first fitted into, keeping its shape.
        ratio: Range of the further change of size.
        category_share: The largest share of a view's labelled pixels that one class should cover.
        flip: Probability of mirroring left and right.
        reverse: Probability of showing the clip backwards.
        jitter: Probability of each change of brightness, contrast, saturation and hue.
        brightness: Largest shift, up or down, of values in 0..1.
        contrast: Range of the factor on the values.
        saturation: Range of the factor on the distance from grey.
        hue: Largest turn of the hues, either way, in degrees.
        jitter_per_frame: Whether each frame draws its own colours, as in the authors' code, and not the clip.
    """

    crop: tuple[int, int] = (480, 480)
    base: tuple[int, int] = (853, 480)
    ratio: tuple[float, float] = (0.5, 2.0)
    category_share: float = 0.75
    flip: float = 0.5
    reverse: float = 0.5
    jitter: float = 0.5
    brightness: float = 32 / 255
    contrast: tuple[float, float] = (0.5, 1.5)
    saturation: tuple[float, float] = (0.5, 1.5)
    hue: float = 36.0
    jitter_per_frame: bool = False


@dataclass(frozen=True)
class Draw:
    """One random view.

    Attributes:
        size: Height and width to which frames are scaled.
        top: First row of the view in the scaled frame; negative where it begins above it.
        left: The same for columns.
        crop: Height and width of the view.
        flip: Whether it is mirrored.
        reverse: Whether the order of frames is turned round.
        colours: One change of colour for all frames, or one for each.
        ignore: The id of pixels outside the frame.
    """

    size: tuple[int, int]
    top: int
    left: int
    crop: tuple[int, int]
    flip: bool
    reverse: bool
    colours: tuple[Colours, ...]
    ignore: int


def draw(
    settings: Augmentation,
    masks: Sequence[Ids],
    rng: random.Random,
    *,
    ignore: int = 255,
    n_frames: int = 1,
) -> Draw:
    """Choose a view of a clip.

    Args:
        settings: How far it may differ.
        masks: One for each frame in order of time, or the target's alone; such a clip is never reversed,
            since another frame would become the target. The target's decides which crops are varied enough.
        rng: Source of chance.
        ignore: The id of pixels that do not count.
        n_frames: How many frames draw colours of their own if `jitter_per_frame`.
    """
    reverse = len(masks) > 1 and rng.random() < settings.reverse
    target = masks[0] if reverse else masks[-1]
    height, width = target.shape
    scale = min(max(settings.base) / max(height, width), min(settings.base) / min(height, width))
    scale *= rng.uniform(*settings.ratio)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = _varied_crop(settings, target, size, rng, ignore)
    flip = rng.random() < settings.flip
    n_colours = n_frames if settings.jitter_per_frame else 1
    colours = tuple(_draw_colours(settings, rng) for _ in range(n_colours))
    return Draw(size, top, left, settings.crop, flip, reverse, colours, ignore)


def apply_to_frames(view: Draw, frames: Sequence[Pixels]) -> Tensor:
    """Frames (H, W, 3) uint8 in order of time -> (T, 3, h, w) float in 0..1."""
    views = [_view_frame(view, pixels, i) for i, pixels in enumerate(frames)]
    stacked = np.stack(views[::-1] if view.reverse else views)
    return torch.from_numpy(stacked.transpose(0, 3, 1, 2).copy())


def apply_to_masks(view: Draw, masks: Sequence[Ids]) -> Tensor:
    """Masks (H, W) in order of time -> (T, h, w) int64."""
    views = [_view_mask(view, ids) for ids in masks]
    return torch.from_numpy(np.stack(views[::-1] if view.reverse else views).astype(np.int64))


def _varied_crop(
    settings: Augmentation, mask: Ids, size: tuple[int, int], rng: random.Random, ignore: int
) -> tuple[int, int]:
    """The place of a crop of which no class covers too much; the last one tried if none was found."""
    crop = settings.crop
    for _ in range(CROP_TRIES):
        top = rng.randint(min(0, size[0] - crop[0]), max(0, size[0] - crop[0]))
        left = rng.randint(min(0, size[1] - crop[1]), max(0, size[1] - crop[1]))
        if settings.category_share >= 1:
            break
        rows, _ = _source(top, crop[0], size[0], mask.shape[0])
        columns, _ = _source(left, crop[1], size[1], mask.shape[1])
        ids = mask[np.ix_(rows, columns)]
        counts = np.bincount(ids[ids != ignore])
        if counts.any() and counts.max() <= settings.category_share * counts.sum():
            break
    return top, left


def _source(start: int, length: int, scaled: int, original: int) -> tuple[npt.NDArray[np.int64], slice]:
    """For a view along one axis: the nearest original pixel of each place that has one, and those places.

    Pixels are squares whose centres lie at one half: place i of the scaled axis shows the original pixel that
    contains (i + 1/2) * original / scaled.
    """
    first, last = max(0, start), min(scaled, start + length)
    places = np.arange(first, last)
    return (2 * places + 1) * original // (2 * scaled), slice(first - start, last - start)


def _view_mask(view: Draw, ids: Ids) -> Ids:
    rows, inside_rows = _source(view.top, view.crop[0], view.size[0], ids.shape[0])
    columns, inside_columns = _source(view.left, view.crop[1], view.size[1], ids.shape[1])
    seen = np.full(view.crop, view.ignore, dtype=ids.dtype)
    seen[inside_rows, inside_columns] = ids[np.ix_(rows, columns)]
    return seen[:, ::-1] if view.flip else seen


def _view_frame(view: Draw, pixels: Pixels, index: int) -> RGBFloats:
    top, left = max(0, view.top), max(0, view.left)
    bottom = min(view.size[0], view.top + view.crop[0])
    right = min(view.size[1], view.left + view.crop[1])
    # The part to be seen, in original pixels: only that is resampled, with neighbours from beyond its edges.
    down, across = pixels.shape[0] / view.size[0], pixels.shape[1] / view.size[1]
    box = (left * across, top * down, right * across, bottom * down)
    part = Image.fromarray(pixels).resize(
        (right - left, bottom - top), Image.Resampling.BILINEAR, box=_within(box, pixels.shape)
    )
    seen = np.empty((*view.crop, 3), np.float32)
    seen[:] = PADDING
    colours = view.colours[index % len(view.colours)]
    place = slice(top - view.top, bottom - view.top), slice(left - view.left, right - view.left)
    seen[place] = recolour(np.asarray(part, np.float32) / np.float32(255), colours)
    return seen[:, ::-1] if view.flip else seen


def _within(box: Box, shape: tuple[int, ...]) -> Box:
    """The same box, cut off where rounding had put it outside the frame."""
    return box[0], box[1], min(box[2], shape[1]), min(box[3], shape[0])


def _draw_colours(settings: Augmentation, rng: random.Random) -> Colours:
    def chance(low: float, high: float, otherwise: float) -> float:
        return rng.uniform(low, high) if rng.random() < settings.jitter else otherwise

    return colour_map(
        brightness=chance(-settings.brightness, settings.brightness, 0),
        contrast=chance(*settings.contrast, 1),
        saturation=chance(*settings.saturation, 1),
        hue=chance(-settings.hue, settings.hue, 0),
    )


def colour_map(
    *, brightness: float = 0, contrast: float = 1, saturation: float = 1, hue: float = 0
) -> Colours:
    """Brightness, then contrast, then saturation and hue (degrees), as one linear map with an offset."""
    turn = math.radians(hue)
    cos, sin = saturation * math.cos(turn), saturation * math.sin(turn)
    in_yiq = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    mixed = contrast * np.linalg.inv(TO_YIQ) @ in_yiq @ TO_YIQ
    offset = mixed @ np.full(3, brightness)
    return tuple((float(r), float(g), float(b), float(o)) for (r, g, b), o in zip(mixed, offset, strict=True))


def recolour(pixels: RGBFloats, colours: Colours) -> RGBFloats:
    """Apply a `colour_map` to RGB in 0..1 (..., 3), which stays in 0..1."""
    table = np.array(colours, np.float32)
    changed: RGBFloats = (pixels @ table[:, :3].T + table[:, 3]).clip(0, 1)
    return changed
