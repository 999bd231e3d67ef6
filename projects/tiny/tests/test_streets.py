"""Drawn streets, on made-up pictures."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from projects.tiny import street_things as things
from projects.tiny.camera import Camera
from projects.tiny.data import IGNORE, Picture
from projects.tiny.pasting import Cutout, cut, put
from projects.tiny.streets import BESIDE, DRAWN, NEW_WORDS, ON_ROAD, Streets
from projects.tiny.tests.drawn import check_drawings, picture
from projects.tiny.textures import SIDE, Pieces, covered, noise
from projects.tiny.views import PASTED, Views

NAMES = ["road", "pavement", "sky", "building", "car", "person", "tree", *NEW_WORDS]
SIZE = 64


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, list[Picture]]:
    return {
        "voc": [picture(tmp_path, NAMES, "car", (200, 0, 0), (20, 40, 100, 90))],
        "coco": [
            picture(tmp_path, NAMES, "sky", (100, 150, 250), (0, 0, 160, 100)),
            picture(tmp_path, NAMES, "person", (0, 200, 0), (50, 10, 80, 100)),
        ],
    }


def streets_of(pictures: dict[str, list[Picture]], names: list[str] = NAMES) -> Streets:
    return Streets(Views(pictures, names, SIZE, 0), names)


def test_a_point_of_the_ground_is_where_its_ray_meets_it() -> None:
    camera = Camera(401, 300, 1.5, yaw=0.3, pitch=0.1)
    x, y, z = camera.rays()
    for ground in ((0.5, 8.0), (-1.0, 5.0), (4.0, 12.0)):
        place = camera.see(*ground)
        assert place is not None
        column, row, metre = place
        at = int(row), int(column)
        length = camera.height / y[at]
        assert (length * x[at], length * z[at]) == pytest.approx(ground, rel=0.05)
        up = camera.height - length * y[int(row - metre), int(column)]
        assert up == pytest.approx(1, abs=0.1)  # a metre above the ground at the same distance
        raised = camera.see(*ground, up=1)
        assert raised is not None
        above = int(raised[1]), int(raised[0])
        assert x[above] / z[above] == pytest.approx(ground[0] / ground[1], abs=0.02)
        assert y[above] / z[above] == pytest.approx((camera.height - 1) / ground[1], abs=0.02)
    assert camera.see(0, -5) is None


def test_streets_repeat_and_differ(pictures: dict[str, list[Picture]]) -> None:
    seen = check_drawings(streets_of(pictures), streets_of(pictures), 8)
    assert {NAMES.index(n) for n in ("road", "pavement", "sky", "building", "pole", "cyclist", "car")} <= seen
    assert seen <= {*range(len(NAMES)), IGNORE}  # fences and grass are no words here


def test_sky_is_above_and_ground_below(pictures: dict[str, list[Picture]]) -> None:
    rows: dict[str, list[float]] = {"sky": [], "road": []}
    streets = streets_of(pictures)
    for number in range(30):
        ids = streets.draw(number)[1]
        for name, found in rows.items():
            found += np.nonzero(ids == NAMES.index(name))[0].tolist()
    assert np.mean(rows["sky"]) < SIZE / 2 < np.mean(rows["road"])


def test_words_that_are_kept_out_are_not_taught(pictures: dict[str, list[Picture]]) -> None:
    kept = ["lawn" if name == "pavement" else name for name in NAMES]
    whole, less = (streets_of(pictures, names) for names in (NAMES, kept))
    for number in range(4):
        (pixels, ids), (others, rest) = whole.draw(number), less.draw(number)
        assert np.array_equal(pixels, others)
        pavement = ids == NAMES.index("pavement")
        assert (rest[pavement] == IGNORE).all()
        assert (rest[~pavement & (ids != IGNORE)] != IGNORE).all()


def test_textures_come_from_one_word(pictures: dict[str, list[Picture]]) -> None:
    pieces = Pieces(pictures["coco"], NAMES, ["sky", "road"], seed=0)
    rng = random.Random(0)
    assert pieces.draw("road", rng) is None
    piece = pieces.draw("sky", rng)
    assert piece is not None
    assert piece.shape == (SIDE, SIDE, 3)
    assert 255 * piece.reshape(-1, 3).mean(0) == pytest.approx([100, 150, 250], abs=8)
    assert np.array_equal(piece, piece[::-1])
    assert np.array_equal(piece, piece[:, ::-1])


def test_noise_has_no_seams() -> None:
    grain = noise(np.random.default_rng(0), 64)
    assert grain.mean() == pytest.approx(0, abs=1e-4)
    assert grain.std() == pytest.approx(1, abs=1e-3)
    for one in (grain, grain.T):
        assert abs(one[:, 0] - one[:, -1]).mean() < 2 * abs(np.diff(one, axis=1)).mean()


def test_surfaces_are_upright() -> None:
    texture = np.zeros((SIDE, SIDE, 3), np.float32)
    texture[: SIDE // 2] = np.linspace(1, 0, SIDE // 2, dtype=np.float32)[:, None, None]  # bright at its top
    along = np.zeros(5, np.float32)
    up = np.linspace(0.1, 1.9, 5, dtype=np.float32)
    assert (np.diff(covered(texture, 4)(along, up)[:, 0]) > 0).all()


def test_narrow_pictures_have_no_textures(tmp_path: Path) -> None:
    for name, shape in (("wide", (20, 300)), ("tall", (300, 32))):
        Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(tmp_path / f"{name}.png")
        Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / f"{name}-label.png")
    files = [(tmp_path / f"{name}.png", tmp_path / f"{name}-label.png") for name in ("wide", "tall")]
    narrow = [Picture(image, label, np.arange(256, dtype=np.uint8)) for image, label in files]
    assert Pieces(narrow, NAMES, ["road"], seed=0).draw("road", random.Random(0)) is None


def test_everything_that_may_stand_there_can_be_drawn() -> None:
    for name in {*BESIDE, *ON_ROAD} - {*DRAWN, "tree", "cyclist"}:
        assert name in PASTED
        assert name in things.TALL


Maker = Callable[[float, random.Random], Iterator[things.Part]]


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (things.pole, {"pole"}),
        (things.street_sign, {"pole", "street sign"}),
        (things.traffic_light, {"pole", "traffic light"}),
        (lambda metre, rng: things.tree(metre, rng, None), {"tree"}),
        (things.bicycle, {"bicycle"}),
    ],
)
@pytest.mark.parametrize("metre", [3.1, 11.7, 90.0])
def test_things_have_one_size_and_know_their_words(make: Maker, names: set[str], metre: float) -> None:
    for seed in range(5):
        parts = list(make(metre, random.Random(seed)))
        assert {part.name for part in parts} == names
        for part in parts:
            assert part.shown.shape == (*part.cover.shape, 3)
            assert part.cover.min() >= 0
            assert 0.5 < part.cover.max() <= 1
            assert part.hull is None or part.hull.shape == part.cover.shape


def test_a_thin_pole_is_labelled_wide_enough_to_be_met() -> None:
    for metre, wide in ((5, 12), (200, 14)):
        (pole,) = things.pole(metre, random.Random(0))
        label = pole.cover if pole.hull is None else pole.hull
        assert (label > 0.5).sum(1).min() >= wide
        assert (pole.cover > 0.5).sum(1).max() <= (label > 0.5).sum(1).max()


def test_a_wheel_is_bicycle_where_one_looks_through() -> None:
    (part,) = things.bicycle(80, random.Random(1))
    assert part.hull is not None
    assert (part.hull > 0.5).sum() > 1.5 * (part.cover > 0.5).sum()
    assert (part.hull > 0.5)[part.cover > 0.5].mean() > 0.9


def test_objects_stand_on_their_shade(pictures: dict[str, list[Picture]]) -> None:
    car = cut(pictures["voc"][0], NAMES.index("car"))
    assert car is not None
    shade, shown = things.object_of("car", 40, random.Random(0), car)
    assert (shade.name, shown.name) == (None, "car")
    assert shown.cover.shape[0] == pytest.approx(1.5 * 40, rel=0.12)
    assert shade.cover.shape[1] == shown.cover.shape[1]
    (person,) = things.object_of("person", 40, random.Random(0), car)
    assert person.name == "person"
    assert {part.name for part in things.cyclist(40, random.Random(0), car)} == {"cyclist"}


def test_pasting_stays_inside_and_keeps_what_is_under_it(pictures: dict[str, list[Picture]]) -> None:
    cutout = cut(pictures["voc"][0], NAMES.index("car"))
    assert isinstance(cutout, Cutout)
    shown, cover = cutout.resized(20, 10)
    for corner, pasted in (((-10, 3), True), ((25, 25), True), ((-40, 0), False), ((0, 90), False)):
        pixels, ids = np.zeros((30, 30, 3), np.float32), np.full((30, 30), IGNORE, np.uint8)
        put(pixels, ids, shown, cover, corner, 7)
        assert (ids == 7).any() == pasted
        assert (pixels[ids == 7][:, 0] > 0.3).all()
        before = ids.copy()
        put(pixels, ids, shown, cover, (0, 0), None)
        assert np.array_equal(ids, before)
        put(pixels, ids, shown, 0 * cover, (5, 5), 3, np.ones_like(cover))
        assert (ids[5:15, 5:25] == 3).all()
