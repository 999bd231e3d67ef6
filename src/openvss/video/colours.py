"""A colour for every word: the same word gets the same colour, and no two words of a list look alike.

Distances are taken in CIELAB, for normal sight and for simulated protanopia and deuteranopia (Machado,
Oliveira and Fernandes 2009, full severity), which together are the common forms of colour blindness.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Colour = tuple[int, int, int]
REST: Colour = (136, 136, 136)  # of everything else; no word is as grey
Floats = npt.NDArray[np.float64]

# 64 colours found by farthest-point search and pairwise exchange over the sRGB cube (lightness 32 to 93,
# chroma above 28), maximising the smallest `separation`: any two are at least 15 apart for normal sight and 9
# for the others.
PALETTE = bytes.fromhex(
    """
    e97aff 43ff00 594e16 6fffd3 0000ff 374e7a 6fa621 d3647a
    3737bc ffde85 e9c8ff 216443 bc6fbc f4b190 c80bff 6fc8bc
    4e59b1 85904e 4ede2c 90597a d3f4b1 def464 9b5959 7a6f00
    216fff 00de59 e916d3 a60085 3721de 379be9 f4a6ff 85f4e9
    43bc6f 852c59 90dea6 00906f e9219b 2185a6 d37a00 64c8de
    b10bb1 f44e4e 7a43de 43592c ff9bbc ffbc64 9b0b0b ff9bde
    377ad3 906f2c de9090 e91600 c8a643 00909b d3b100 b16fff
    d3d385 a62c37 a69bde e92164 37bc9b bc90bc f4856f 7a2190
    """
)

# Common words have palette entries of their own, near the natural colour and at least 17 apart.
FAMILIAR = {
    "person": 59,
    "sky": 37,
    "tree": 35,
    "grass": 25,
    "road": 33,
    "car": 28,
    "building": 49,
    "water": 24,
    "dog": 38,
    "bicycle": 3,
    "wall": 43,
    "sidewalk": 30,
}

PREFERENCES = 4 * (len(PALETTE) // 3)  # bytes of a name's hash that order the palette for it
COMFORTABLE = (20.0, 15.0, 10.0)  # words prefer colours at least this far from those already given
GENERATED_CANDIDATES = 12  # how many colours a word beyond the palette chooses from
NORMAL_WEIGHT = 0.6  # colour-blind sight has less room, so normal sight is asked for 1/0.6 times its distance

# Linear RGB -> XYZ (sRGB, D65), and linear RGB -> the linear RGB that is seen.
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)


def colours_for(
    names: Sequence[str], given: Mapping[int, Colour] = MappingProxyType({})
) -> tuple[Colour, ...]:
    """A colour for each name, in order; `given` are the colours of some of them, by place.

    Familiar names have theirs. Every other name has its own order of preference among the palette, made from
    a hash of the name. Names choose in the order of their hashes, so the order of the list does not matter,
    and a name loses its first choice only to a name of the same list that holds that colour or one near it.
    """
    streams = _streams(names)
    palette = np.frombuffer(PALETTE, dtype=np.uint8).reshape(-1, 3)
    apart = separation(palette, palette)
    chosen = dict(given)
    taken = np.array(list(given.values()), dtype=np.uint8).reshape(-1, 3)
    # Distance of each palette entry to the closest colour given away.
    nearest = separation(palette, taken).min(axis=1, initial=np.inf)
    free = nearest > 0
    for place in sorted(
        set(range(len(names))) - set(given), key=lambda i: (names[i] not in FAMILIAR, streams[i])
    ):
        if not free.any():
            break
        # Not numpy's generator: its streams may change between versions.
        order = np.frombuffer(streams[place][:PREFERENCES], dtype="<u4").argsort(kind="stable")
        order = order[free[order]]
        own = FAMILIAR.get(names[place])
        entry = (
            own if own is not None and nearest[own] >= COMFORTABLE[-1] else _first_comfortable(order, nearest)
        )
        free[entry] = False
        nearest = np.minimum(nearest, apart[entry])
        chosen[place] = _colour(palette[entry])
    if len(chosen) < len(names):
        _generate(streams, chosen)
    return tuple(chosen[i] for i in range(len(names)))


def _first_comfortable(order: npt.NDArray[np.int64], nearest: Floats) -> int:
    """The first choice that is far enough from all colours given away, else the one that is farthest."""
    for distance in COMFORTABLE:
        comfortable = order[nearest[order] >= distance]
        if len(comfortable):
            return int(comfortable[0])
    return int(order[np.argmax(nearest[order])])


def separation(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> Floats:
    """How well colours (A, 3) and (B, 3) can be told apart by any kind of sight: (A, B).

    The smallest CIELAB distance of the three kinds of sight, normal sight weighted down.
    """
    return _apart(views(first), views(second))


def views(rgb: npt.NDArray[np.uint8]) -> Floats:
    """CIELAB of sRGB colours (A, 3) seen with normal sight, protanopia and deuteranopia: (A, 3 sights, 3)."""
    value = rgb.astype(np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.stack([_lab(linear), _lab(linear @ PROTANOPIA.T), _lab(linear @ DEUTERANOPIA.T)], axis=1)


def _apart(first: Floats, second: Floats) -> Floats:
    gap = np.sqrt(((first[:, None] - second[None]) ** 2).sum(axis=-1))  # (A, B, 3)
    gap[..., 0] *= NORMAL_WEIGHT
    smallest: Floats = gap.min(axis=-1)
    return smallest


def _lab(linear: Floats) -> Floats:
    white = TO_XYZ.sum(axis=1)
    xyz = np.clip(linear, 0, 1) @ TO_XYZ.T / white
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _generate(streams: Sequence[bytes], chosen: dict[int, Colour]) -> None:
    """Colours for the names the palette could not serve: each takes the best of a few made from its hash."""
    left = sorted(set(range(len(streams))) - set(chosen), key=lambda i: streams[i])
    taken = np.empty((len(streams), 3, 3))
    taken[: len(chosen)] = views(np.array(list(chosen.values()), dtype=np.uint8))
    for place in left:
        noise = np.frombuffer(streams[place][PREFERENCES:], dtype=np.uint8).reshape(GENERATED_CANDIDATES, 3)
        draws = (40 + noise * 0.84).astype(np.uint8)  # nothing too dark to be distinguished from black
        seen = views(draws)
        best = int(np.argmax(_apart(seen, taken[: len(chosen)]).min(axis=1)))
        taken[len(chosen)] = seen[best]
        chosen[place] = _colour(draws[best])


def _streams(names: Sequence[str]) -> list[bytes]:
    """Random bytes for each name, always the same ones; a name that occurs again counts as another one."""
    seen: dict[str, int] = {}
    streams = []
    for name in names:
        key = name.casefold()
        seen[key] = seen.get(key, 0) + 1
        hashed = hashlib.shake_256(f"{key}\n{seen[key]}".encode())
        streams.append(hashed.digest(PREFERENCES + 3 * GENERATED_CANDIDATES))
    return streams


def _colour(rgb: npt.NDArray[np.uint8]) -> Colour:
    red, green, blue = (int(value) for value in rgb)
    return red, green, blue
