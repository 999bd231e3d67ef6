"""A colour for every word: the same word gets the same colour, and no two words of a list look alike.

Common words have fixed colours, chosen together. Another word may have to give way to a common word, to one
of the user's own colours or, by chance, to another word of its list. The order of the list changes nothing.

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

OPACITY = 0.5  # of the overlay's tint, unless the user says otherwise
FOOTAGE = (24, 110, 215)  # grey levels over which tints are compared: dark, middle and light

# 64 colours found by simulated annealing over the sRGB cube (lightness 40 to 93, chroma above 28), maximising
# the smallest `separation`: any two are at least 15 apart for normal sight and 9 for the others, and as tints
# over any footage at least 7 and 4.2. `REST` is nearly as far from all of them.
PALETTE = bytes.fromhex(
    """
    c63621 afcdff 62c41d ccfd03 b888e0 d852a0 c78670 345aff
    3a89ff 5d4dbe 47fad5 a3546c 42ae7b f285ff c666bf bb5143
    8eb96a fbacab b7c664 87fcf2 d58fab acfcc2 ff8910 f7e558
    60b648 bce979 89bd97 4468bb e92b06 12c0c1 bd54da ac2e50
    ffe6a0 52b2ff b0c188 fb95e4 288b9f ecc95a 8ee583 8eeafb
    8d9854 f25d03 6ed9b5 e9cb07 2593c1 8e14dd 0b609d 2388e1
    fecba5 9e942d a730a3 51f023 874785 3d6efe e7904b 70bbde
    5f925b 86597f b6fe74 393efe 8649dd 0d6e5e 7dd1c8 0f7e38
    """
)

# Common words, in the order of the palette, whose colours are near natural ones. What often lies side by side
# (sky and tree, road and pavement, person and road) is, as tints over any footage, at least 15 apart for
# normal sight and 9 for the others. Of the words in a line here, the first that a list has gets the colour.
_FAMILIAR = """
person, people, pedestrian
sky
tree, trees, vegetation
grass, lawn, terrain
road, street
sidewalk, pavement
building, house
car
water, sea, river
dog
bicycle, bike
wall
plant, potted plant
flower, flowers
cloud, clouds
mountain, hill
rock, stone
ground, soil, earth
sand
snow
fence
pole
traffic light
traffic sign, sign symbol, sign
bus
truck
train
motorcycle, motorbike
rider, bicyclist
path
cat
horse
cow, cattle
sheep
bird
boat, ship
aeroplane, airplane
floor
ceiling
window
door
table, dining table
chair
sofa, couch
bed
curtain
cabinet
"""
FAMILIAR = {
    word: entry for entry, line in enumerate(_FAMILIAR.strip().splitlines()) for word in line.split(", ")
}

PREFERENCES = 4 * (len(PALETTE) // 3)  # bytes of a name's hash that order the palette for it
COMFORTABLE = (9.0, 7.0, 5.0)  # words prefer colours at least this far from those already given
TOO_CLOSE = 4.0  # to a colour of the user's own: no other word gets it
GENERATED_CANDIDATES = 12  # how many colours a word beyond the palette chooses from
DARKEST = 60  # no channel of such a colour is darker, so that it does not look black under the tint
COMPARED = 200  # with so many words before it, which keeps the time for many words in proportion
NORMAL_WEIGHT = 0.6  # colour-blind sight has less room, so normal sight is asked for 1/0.6 times its distance
BARE_WEIGHT = 0.47  # colours as such are about twice as far apart as tints

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
    """A colour for each name, in order; `given` are the user's own, by place.

    Familiar names have theirs. Every other name has its own order of preference among the palette, made from
    a hash of the name. Names choose in the order of their hashes, so the order of the list does not matter,
    and a name loses its first choice only to a name of the same list that holds that colour or one near it.
    """
    streams = _streams(names)
    palette = np.frombuffer(PALETTE, dtype=np.uint8).reshape(-1, 3)
    apart = separation(palette, palette)
    chosen = dict(given)
    own = np.array(list(given.values()), dtype=np.uint8).reshape(-1, 3)
    # Distance of each palette entry to the closest colour given away.
    nearest = separation(palette, own).min(axis=1, initial=np.inf)
    free = nearest >= TOO_CLOSE
    left = [i for i in range(len(names)) if i not in given]
    familiar = _familiar({names[i]: i for i in reversed(left)})
    for place in sorted(left, key=lambda i: (i not in familiar, streams[i])):
        if not free.any():
            break
        # Not numpy's generator: its streams may change between versions.
        order = np.frombuffer(streams[place][:PREFERENCES], dtype="<u4").argsort(kind="stable")
        entry = familiar.get(place)
        if entry is None or not free[entry]:
            entry = _first_comfortable(order[free[order]], nearest)
        free[entry] = False
        nearest = np.minimum(nearest, apart[entry])
        chosen[place] = _colour(palette[entry])
    if len(chosen) < len(names):
        _generate(streams, chosen)
    return tuple(chosen[i] for i in range(len(names)))


def _familiar(places: Mapping[str, int]) -> dict[int, int]:
    """The palette entries of familiar names by place: each to one name only."""
    holders: dict[int, int] = {}
    for name, entry in FAMILIAR.items():
        if name in places:
            holders.setdefault(entry, places[name])
    return {place: entry for entry, place in holders.items()}


def _first_comfortable(order: npt.NDArray[np.int64], nearest: Floats) -> int:
    """The first choice that is far enough from all colours given away, else the one that is farthest."""
    for distance in COMFORTABLE:
        comfortable = order[nearest[order] >= distance]
        if len(comfortable):
            return int(comfortable[0])
    return int(order[np.argmax(nearest[order])])


def separation(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> Floats:
    """How well colours (A, 3) and (B, 3) can be told apart by any kind of sight, also as tints: (A, B).

    The smallest CIELAB distance of the three kinds of sight, of the colours over dark, middle and light
    footage and of the colours as such; normal sight and colours as such are weighted down.
    """
    distances = [BARE_WEIGHT * _apart(views(first), views(second))]
    distances += [_apart(views(tinted(first, grey)), views(tinted(second, grey))) for grey in FOOTAGE]
    return np.min(distances, axis=0)


def tinted(rgb: npt.NDArray[np.uint8], grey: int) -> npt.NDArray[np.uint8]:
    """Grey footage under the colours, as the overlay draws it."""
    opacity = round(256 * OPACITY)
    return ((rgb.astype(np.uint16) * opacity >> 8) + (grey * (256 - opacity) >> 8)).astype(np.uint8)


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
    noise = np.frombuffer(b"".join(streams[i][PREFERENCES:] for i in left), dtype=np.uint8)
    draws = (DARKEST + noise * ((255 - DARKEST) / 255)).astype(np.uint8).reshape(-1, GENERATED_CANDIDATES, 3)
    seen = _by_component(draws.reshape(-1, 3)).reshape(3, 3, -1, GENERATED_CANDIDATES)
    taken = np.empty((3, 3, len(streams)))
    taken[..., : len(chosen)] = _by_component(np.array(list(chosen.values()), dtype=np.uint8))
    used = set(chosen.values())
    for number, place in enumerate(left):
        before = taken[..., max(0, len(chosen) - COMPARED) : len(chosen)]
        best = int(np.argmax(_closest(seen[:, :, number], before)))
        taken[..., len(chosen)] = seen[:, :, number, best]
        red, green, blue = _colour(draws[number, best])
        while (red, green, blue) in used:
            blue = (blue + 1) % 256
        used.add((red, green, blue))
        chosen[place] = red, green, blue


def _by_component(rgb: npt.NDArray[np.uint8]) -> Floats:
    """The views of colours (A, 3), normal sight weighted down: (3 components, 3 sights, A)."""
    weights = np.array([NORMAL_WEIGHT, 1, 1])
    return np.ascontiguousarray((views(rgb) * weights[:, None]).transpose(2, 1, 0))


def _closest(seen: Floats, others: Floats) -> Floats:
    """Square of the smallest distance of each colour (3, 3, A) from others (3, 3, B): (A,)."""
    gap = seen[..., :, None] - others[..., None, :]
    smallest: Floats = np.square(gap).sum(axis=0).min(axis=(0, 2))
    return smallest


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
