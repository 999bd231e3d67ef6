"""Things that stand in drawn streets: flat, facing the camera, as large as they are far."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from projects.tiny.data import Floats
from projects.tiny.pasting import Cutout, unit
from projects.tiny.textures import any_colour, fresh_noise, grey, rgb, rough, sample

TALL = {  # metres
    "bus": 3.1,
    "car": 1.5,
    "motorcycle": 1.15,
    "person": 1.72,
    "truck": 2.9,
}
LEAST = 12  # pixels that a thing is labelled wide: what is trained are positions 16 pixels of a street apart
SHADED = ("bus", "car", "motorcycle", "truck")
SIGN_COLOURS = ("#c81e1e", "#f5f5f5", "#1e46aa", "#146e3c", "#f0c828", "#141414")


@dataclass(frozen=True)
class Part:
    """Of a thing.

    Attributes:
        name: Its word; none if what is under it keeps its own.
        shown: RGB in 0..1 (h, w, 3).
        cover: How opaque it is, (h, w).
        up: Pixels from the ground to its lower edge.
        hull: Where it has its word even if one looks through; (h, w), where it is opaque if none.
    """

    name: str | None
    shown: Floats
    cover: Floats
    up: float = 0
    hull: Floats | None = None


def _thin(name: str, shown: Floats, cover: Floats, up: float = 0) -> Part:
    """A part that is labelled at least `LEAST` pixels wide."""
    beside = max(0, -(-(LEAST - cover.shape[1]) // 2))
    shown = np.pad(shown, ((0, 0), (beside, beside), (0, 0)))
    cover = np.pad(cover, ((0, 0), (beside, beside)))
    return Part(name, shown, cover, up, np.ones_like(cover) if beside else None)


def _stencil(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (width, height))
    return image, ImageDraw.Draw(image)


def pole(metre: float, rng: random.Random, lowest: float = 3, highest: float = 9) -> Iterator[Part]:
    """Round, of one colour; `metre` in pixels, as everywhere here."""
    width = max(2, round(rng.uniform(0.07, 0.25) * metre))
    height = round(rng.uniform(lowest, highest) * metre)
    shade = np.linspace(1.1, 0.5, width, dtype=np.float32)[None, :, None]
    shown = (grey(rng, 0.05, 0.75) * shade).clip(0, 1)
    yield _thin("pole", np.broadcast_to(shown, (height, width, 3)), np.ones((height, width), np.float32))


def street_sign(metre: float, rng: random.Random) -> Iterator[Part]:
    """A disc, a triangle or a board with marks on it, on a pole."""
    yield from pole(metre, rng, 2.2, 3)
    width = max(3, round(rng.uniform(0.5, 1.1) * metre))
    height = max(3, round(width * rng.uniform(0.8, 1.5)))
    (cover, stencil), image = _stencil(width, height), Image.new("RGB", (width, height))
    pen = ImageDraw.Draw(image)
    rim, inner, mark = rng.sample(SIGN_COLOURS, 3)
    edge = max(1, width // 8)
    box, within = (0, 0, width - 1, height - 1), (edge, edge, width - 1 - edge, height - 1 - edge)
    form = rng.choice(("disc", "triangle", "board"))
    pen.rectangle(box, fill=rim)
    if form == "disc":
        stencil.ellipse(box, fill=255)
        pen.ellipse(within, fill=inner)
    elif form == "triangle":
        stencil.polygon([(width / 2, 0), (width, height), (0, height)], fill=255)
        feet = height - edge
        pen.polygon([(width / 2, 2 * edge), (width - 2 * edge, feet), (2 * edge, feet)], fill=inner)
    else:
        stencil.rectangle(box, fill=255)
        if width > 4:
            pen.rectangle(within, fill=inner)
    for _ in range(rng.randint(0, 4)):
        x, y = rng.uniform(0.25, 0.6) * width, rng.uniform(0.25, 0.75) * height
        pen.rectangle((x, y, x + width / 6, y + height / 10), fill=mark)
    shown = unit(image) * np.float32(rng.uniform(0.5, 1))
    yield _thin("street sign", shown, unit(cover), rng.uniform(2, 2.5) * metre - height / 2)


def traffic_light(metre: float, rng: random.Random) -> Iterator[Part]:
    """One of three lamps is lit."""
    yield from pole(metre, rng, 2.2, 4)
    height = max(6, round(rng.uniform(0.7, 1.1) * metre))
    width = height // 2
    image = Image.new("RGB", (width, height), "#0f0f0f")
    middle, radius = rng.choice((1, 2, 3)) * height / 4, height / 8
    lamp = (width / 2 - radius, middle - radius, width / 2 + radius, middle + radius)
    ImageDraw.Draw(image).ellipse(lamp, fill=rng.choice(("#ff3c28", "#ffbe28", "#3cff8c")))
    cover = np.ones((height, width), np.float32)
    yield _thin("traffic light", unit(image), cover, rng.uniform(2, 2.6) * metre)


def tree(metre: float, rng: random.Random, leaves: Floats | None) -> Iterator[Part]:
    """A stem with branches, and often a ragged crown of `leaves`."""
    height = round(rng.uniform(4, 10) * metre)
    width = round(height * rng.uniform(0.5, 0.9))
    image, pen = _stencil(width, height)
    bare = rng.random() < 0.4
    stem, forks = height * rng.uniform(0.2, 0.3), 7 if bare else 2
    _branch(pen, rng, (width / 2, height), -math.pi / 2, stem, metre / 4, forks)
    cover = unit(image).copy()
    shown = np.empty((height, width, 3), np.float32)
    shown[:] = grey(rng, 0.08, 0.35, 0.04)
    if not bare:
        grain = fresh_noise(rng, 64)
        leaves = rough(rgb(0.2, 0.32, 0.1), grain, 0.1) if leaves is None else leaves
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
        crown = (2 * x - 1) ** 2 + (2.55 * y - 1) ** 2 + 0.25 * sample(grain, 0.9 * x, 0.9 * y) < 0.9
        shown[crown] = sample(leaves, x * width / 200, y * height / 200)[crown]
        cover[crown] = 1
    yield Part("tree", shown, cover)


def _branch(
    pen: ImageDraw.ImageDraw,
    rng: random.Random,
    root: tuple[float, float],
    angle: float,
    length: float,
    width: float,
    more: int,
) -> None:
    end = (root[0] + length * math.cos(angle), root[1] + length * math.sin(angle))
    pen.line([root, end], fill=255, width=max(1, round(width)))
    if more and length > 2:
        for _ in range(rng.randint(2, 3)):
            turned, shorter = angle + rng.uniform(-0.7, 0.7), length * rng.uniform(0.6, 0.85)
            _branch(pen, rng, end, turned, shorter, 0.6 * width, more - 1)


def bicycle(metre: float, rng: random.Random, name: str = "bicycle") -> Iterator[Part]:
    """Wheels with spokes and a frame: of real ones there are next to none to cut out."""
    turned = rng.uniform(0.2, 1) * rng.choice((-1, 1))  # how much of its length is seen
    width, height, wheel = round(2 * metre), round(1.15 * metre), 0.34 * metre
    wide = max(1, round(0.05 * metre))

    def at(along: float, up: float) -> tuple[float, float]:
        return width / 2 + turned * along * 1.05 * metre, height - up * metre

    hubs = at(-0.5, 0.34), at(0.5, 0.34)
    saddle, crank, head, bars = at(-0.22, 0.9), at(-0.06, 0.32), at(0.36, 0.82), at(0.34, 1.02)
    (tyres, pen), (frame, brush), (hull, stencil) = (_stencil(width, height) for _ in range(3))
    for x, y in hubs:
        across = wheel * abs(turned)
        box = (x - across, y - wheel, x + across, y + wheel)
        stencil.ellipse(box, fill=255)
        pen.ellipse(box, outline=255, width=wide)
        for spoke in range(8):
            angle = math.pi * (spoke + 0.3) / 8
            dx, dy = across * math.cos(angle), wheel * math.sin(angle)
            pen.line([(x - dx, y - dy), (x + dx, y + dy)], fill=70)
    rear, front = hubs
    tubes = ((rear, crank), (crank, head), (head, saddle), (saddle, crank), (rear, saddle), (front, bars))
    seat = (at(-0.32, 0.95), at(-0.1, 0.95))
    grips = ((bars[0] - 0.13 * metre, bars[1]), (bars[0] + 0.13 * metre, bars[1]))
    for tool in (brush, stencil):
        for ends in (*tubes, grips):
            tool.line(list(ends), fill=255, width=wide)
        tool.line(list(seat), fill=255, width=2 * wide)
    dark, bright = np.float32(rng.uniform(0.02, 0.2)), unit(frame)
    shown = np.where(bright[..., None] > 0, any_colour(rng), dark).astype(np.float32)
    yield Part(name, shown, np.maximum(bright, unit(tyres)), hull=unit(hull))


def cyclist(metre: float, rng: random.Random, rider: Cutout) -> Iterator[Part]:
    """Somebody behind handlebars."""
    yield from bicycle(metre, rng, "cyclist")
    for part in object_of("person", metre, rng, rider, rng.uniform(0.76, 0.87)):
        yield Part("cyclist", part.shown, part.cover, 0.35 * metre)


def object_of(
    name: str, metre: float, rng: random.Random, cutout: Cutout, share: float = 1
) -> Iterator[Part]:
    """An object of another picture, in `share` of its usual height."""
    wide, high = cutout.size
    height = max(2, round(TALL[name] * share * rng.uniform(0.92, 1.1) * metre))
    width = max(2, round(height * wide / high))
    if name in SHADED:
        low = 0.07 * width
        y, x = np.ogrid[-1 : 1 : (2 * round(low) + 2) * 1j, -1 : 1 : width * 1j]
        dark = np.where(x * x + y * y < 1, 0.6, 0).astype(np.float32)
        yield Part(None, np.zeros((*dark.shape, 3), np.float32), dark, -low)
    yield Part(name, *cutout.varied(width, height, rng))
