"""What the things of drawn rooms are covered with, as `Paint`s."""

from __future__ import annotations

import random

import numpy as np

from projects.tiny.data import Floats
from projects.tiny.textures import Paint, any_colour, covered, fresh_noise, grey, rgb, rough

WOODS = ((0.55, 0.36, 0.2), (0.35, 0.2, 0.1), (0.75, 0.58, 0.38), (0.2, 0.13, 0.09))
GROOVE = 0.012  # metres, between doors, drawers and tiles
FRAME = 0.06  # metres, round panes


def plain(colour: Floats) -> Paint:
    """One colour everywhere."""
    return lambda along, up: np.broadcast_to(colour, (*along.shape, 3)).copy()


def cloth(rng: random.Random) -> Paint:
    """Plain, striped, checked or dotted."""
    ground = any_colour(rng) if rng.random() < 0.5 else grey(rng, 0.2, 0.95)
    texture = rough(ground, fresh_noise(rng), rng.uniform(0.01, 0.07))
    pitch = rng.choice((8, 16, 32, 64))
    rows, columns = np.indices(texture.shape[:2]) % pitch < pitch * rng.uniform(0.2, 0.6)
    marks = {"plain": None, "stripes": columns, "checks": columns ^ rows, "dots": columns & rows}
    marked = marks[rng.choice(("plain", *marks))]
    if marked is not None:
        texture[marked] = (texture[marked] + any_colour(rng)) / 2
    return covered(texture, rng.uniform(0.4, 2))


def wood(rng: random.Random) -> Paint:
    """Streaks of one tone, or painted."""
    if rng.random() < 0.3:
        return plain(grey(rng, 0.05, 0.95))
    grain = fresh_noise(rng, 64)
    streaks = 0.8 * grain[:, :1] + 0.3 * grain
    tone = rgb(*rng.choice(WOODS)) * np.float32(rng.uniform(0.7, 1.2))
    return covered(rough(tone, streaks, 0.04), 1.2)


def tiled(paint: Paint, wide: float, high: float, rng: random.Random) -> Paint:
    """Tiles, bricks or boards, each of its own brightness; every other row may be shifted by a half."""
    joint, shift, variety = grey(rng, 0.2, 0.95), rng.choice((0, 0.5)) * wide, rng.uniform(0, 0.25)

    def shown(along: Floats, up: Floats) -> Floats:
        row = up // high
        x = along + shift * (row % 2)
        light = 1 - variety * (np.sin(x // wide * 12.9 + row * 78.2) * 43758 % 1)
        colours = paint(along, up) * light[..., None].astype(np.float32)
        colours[(x % wide < GROOVE) | (up % high < GROOVE)] = joint
        return colours

    return shown


def doors(paint: Paint, wide: float, high: float, rng: random.Random) -> Paint:
    """Doors or drawers of a size, with handles."""
    handle = grey(rng, 0.05, 0.9)
    across, level, half = rng.uniform(0.15, 0.85), rng.uniform(0.3, 0.7), rng.uniform(0.03, 0.1)

    def shown(along: Floats, up: Floats) -> Floats:
        colours = paint(along, up)
        x, y = along % wide, up % high
        colours[(x < GROOVE) | (y < GROOVE)] *= 0.45
        colours[(abs(x - across * wide) < half) & (abs(y - level * high) < 0.02)] = handle
        return colours

    return shown


def framed(paint: Paint, wide: float, high: float, panes: int, colour: Floats) -> Paint:
    """As many panes side by side, and one above the other, in frames."""
    wide, high = wide / panes, high / panes

    def shown(along: Floats, up: Floats) -> Floats:
        colours = paint(along, up)
        x, y = along % wide, up % high
        aside = np.minimum(np.minimum(x, wide - x), np.minimum(y, high - y))
        colours[aside < FRAME / 2] = colour
        return colours

    return shown


def folded(paint: Paint, rng: random.Random) -> Paint:
    """Hanging in folds."""
    pitch, deep = rng.uniform(0.06, 0.25), rng.uniform(0.1, 0.45)

    def shown(along: Floats, up: Floats) -> Floats:
        light = 1 - deep * (0.5 + 0.5 * np.sin(6.28 * along / pitch + np.sin(up)))
        return paint(along, up) * light[..., None].astype(np.float32)

    return shown


def slats(rng: random.Random) -> Paint:
    """A blind."""
    colour, pitch = grey(rng, 0.5, 0.95, 0.06), rng.uniform(0.03, 0.09)
    return lambda along, up: (0.65 + 0.35 * (up / pitch % 1))[..., None].astype(np.float32) * colour


def books(rng: random.Random) -> Paint:
    """Backs of books on boards, with gaps."""
    own, pitch, thick = rng.uniform(0, 100), rng.uniform(0.25, 0.4), 0.03
    board, dark = grey(rng, 0.2, 0.8), rng.uniform(0.05, 0.3)

    def shown(along: Floats, up: Floats) -> Floats:
        row, book = up // pitch, along // 0.035
        backs = np.stack([np.sin(book * k + row * 3 + own) * 43758 % 1 for k in (12.9, 78.2, 37.7)], -1)
        tall = (0.45 + 0.4 * (np.sin(book * 5.1 + row + own) * 999 % 1)) * pitch
        there = (up % pitch - thick < tall) & (np.sin(along * 1.7 + row * 5 + own) > -0.6)
        colours = np.where(there[..., None], 0.15 + 0.6 * backs, dark).astype(np.float32)
        colours[up % pitch < thick] = board
        return colours

    return shown
