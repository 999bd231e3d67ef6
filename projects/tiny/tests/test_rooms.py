"""Drawn rooms, on made-up pictures."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from projects.tiny import coverings
from projects.tiny.boxes import AHEAD, SIDEWAYS, UPWARDS, Box, Scene
from projects.tiny.camera import Camera
from projects.tiny.data import IGNORE, Floats, Picture
from projects.tiny.furniture import PIECES, Maker, Place, size_of, turned
from projects.tiny.on_walls import Wall, hang
from projects.tiny.room_surfaces import RoomSurfaces
from projects.tiny.rooms import ON_FLOOR, ON_TOP, Rooms, _Room
from projects.tiny.tests.drawn import check_drawings, picture
from projects.tiny.textures import Paint, Pieces, rgb
from projects.tiny.views import Views

NAMES = [
    "wall",
    "floor",
    "wood floor",
    "rug",
    "ceiling",
    "window",
    "cabinet",
    "bed",
    "table",
    "bottle",
    "couch",
    "chair",
    "person",
]
SIZE = 96
BLUE = 20, 40, 200
RED, GREEN = coverings.plain(rgb(1, 0, 0)), coverings.plain(rgb(0, 1, 0))


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, list[Picture]]:
    return {
        "voc": [
            picture(tmp_path, NAMES, "bottle", BLUE, (60, 20, 90, 100)),
            picture(tmp_path, NAMES, "couch", BLUE, (0, 20, 90, 100)),
        ],
        "coco": [picture(tmp_path, NAMES, "wall", BLUE, (0, 0, 160, 100))],
    }


def rooms_of(pictures: dict[str, list[Picture]], names: list[str] = NAMES) -> Rooms:
    return Rooms(Views(pictures, names, SIZE, 0), names)


def scene(camera: Camera) -> Scene:
    return Scene(camera, (0.5, 1, 0.8), ["", "near", "far", "room"].index)


def test_a_box_is_where_a_walk_along_the_rays_meets_it() -> None:
    camera = Camera(40, 40, 1.5, yaw=0.2, pitch=0.25)
    boxes = [
        Box("far", (-0.8, 0, 3), (1.2, 1.9, 3.5), RED),
        Box("near", (0.1, 0.2, 2), (0.7, 1.2, 2.4), GREEN, RED),
    ]
    drawn = scene(camera)
    for box in boxes:
        drawn.put(box)
    x, y, z = camera.rays()
    ids, depth = np.full((40, 40), IGNORE, np.uint8), np.full((40, 40), np.inf)
    for far in np.arange(6, 0.5, -0.01):  # the nearest last
        point = np.stack([far * x, camera.height - far * y, far * z])
        for box in boxes:
            low, high = (np.array(corner)[:, None, None] for corner in (box.low, box.high))
            inside = ((low < point) & (point < high)).all(0)
            ids[inside], depth[inside] = 1 + (box.name == "far"), far
    assert (ids == drawn.ids).mean() > 0.98  # but for rays that only graze an edge
    same = (ids == drawn.ids) & (ids != IGNORE)
    assert {1, 2} == set(ids[same].tolist())
    assert abs(depth[same] - drawn.depth[same]).max() < 0.02
    turned = scene(camera)
    for box in reversed(boxes):
        turned.put(box)
    assert np.array_equal(turned.ids, drawn.ids)
    assert np.array_equal(turned.pixels, drawn.pixels)


def test_faces_have_their_paint_and_their_light() -> None:
    drawn = scene(Camera(64, 40, 1.8, yaw=0, pitch=0.4))
    drawn.put(Box("near", (0.3, 0, 1.6), (1.2, 0.8, 2.2), GREEN, RED))
    colours = {tuple(colour) for colour in (10 * drawn.pixels[drawn.ids == 1]).round().astype(int).tolist()}
    assert colours == {(10, 0, 0), (0, 5, 0), (0, 8, 0)}


def test_paint_is_laid_from_the_corner_of_a_face() -> None:
    def paint(along: Floats, up: Floats) -> Floats:
        return np.stack([along, up, 0 * up], -1)

    camera = Camera(64, 40, 1.8, yaw=0, pitch=0.4)
    low = 0.3, 0.0, 1.6
    drawn = Scene(camera, (1, 1, 1), ["near"].index)
    drawn.put(Box("near", low, (1.2, 0.8, 2.2), paint))
    x, y, z = camera.rays()
    right, up, ahead = (drawn.depth * x - low[0], 1.8 - drawn.depth * y, drawn.depth * z - low[2])
    for face, expected in (
        (abs(ahead) < 1e-3, (right, up)),
        (abs(up - 0.8) < 1e-3, (right, ahead)),
        (abs(right) < 1e-3, (ahead, up)),
    ):
        assert face.sum() > 3
        assert drawn.pixels[face][:, :2] == pytest.approx(np.stack(expected, -1)[face], abs=2e-3)


def test_a_room_surrounds_the_camera() -> None:
    drawn = scene(Camera(64, 40, 1.5, yaw=0, pitch=0))
    planes = [(axis, high) for axis in (SIDEWAYS, UPWARDS, AHEAD) for high in (False, True)]
    faces: dict[tuple[int, bool], tuple[str, Paint]] = dict.fromkeys(planes, ("room", RED))
    faces[UPWARDS, False] = "near", GREEN
    drawn.stand_in((-1, 0, -3), (1, 2.5, 4), faces)
    assert (drawn.ids != IGNORE).all()
    assert drawn.depth.max() == pytest.approx(4, rel=1e-5)
    floor = drawn.ids == 1
    assert floor[-1, 20:44].all()
    assert not floor[:32].any()
    # in a part that reaches out of the picture, what is outside is as its nearest point
    beside = drawn.behind(3.5, (-8, 24), (80, 16))
    assert beside.shape == (16, 80)
    assert np.array_equal(beside[:, 8:72], drawn.depth[24:40] > 3.5 - 0.05)  # no pitch: depth is ahead


def test_upright_things_do_not_lean_into_the_wall_behind_them() -> None:
    drawn = scene(Camera(64, 50, 1.6, yaw=0.3, pitch=0.4))
    drawn.put(Box("far", (-9, -9, 3), (9, 9, 4), RED))
    everywhere = (0, 0), (64, 64)
    assert drawn.behind(2.9, *everywhere).all()
    assert not drawn.behind(3.1, *everywhere).any()


def test_rooms_repeat_and_differ(pictures: dict[str, list[Picture]]) -> None:
    seen = check_drawings(rooms_of(pictures), rooms_of(pictures), 20)
    wanted = ("wall", "floor", "ceiling", "window", "cabinet", "bed", "table", "bottle", "couch")
    assert {NAMES.index(name) for name in wanted} <= seen
    assert seen <= {*range(len(NAMES)), IGNORE}  # doors and curtains are no words here


def test_ceilings_are_above_and_floors_below(pictures: dict[str, list[Picture]]) -> None:
    rows: dict[str, list[float]] = {"ceiling": [], "floor": [], "wood floor": []}
    rooms = rooms_of(pictures)
    for number in range(30):
        ids = rooms.draw(number)[1]
        for name, found in rows.items():
            found += np.nonzero(ids == NAMES.index(name))[0].tolist()
    assert np.mean(rows["ceiling"]) < SIZE / 3
    assert min(np.mean(rows["floor"]), np.mean(rows["wood floor"])) > SIZE / 2


def test_words_that_are_kept_out_are_not_taught(pictures: dict[str, list[Picture]]) -> None:
    kept = ["larder" if name == "cabinet" else name for name in NAMES]
    whole, less = (rooms_of(pictures, names) for names in (NAMES, kept))
    for number in range(4):
        (pixels, ids), (others, rest) = whole.draw(number), less.draw(number)
        assert np.array_equal(pixels, others)
        cabinets = ids == NAMES.index("cabinet")
        assert (rest[cabinets] == IGNORE).all()
        assert np.array_equal(rest[~cabinets], ids[~cabinets])


def test_nearer_boxes_hide_things(pictures: dict[str, list[Picture]]) -> None:
    room = _Room(rooms_of(pictures), random.Random(0))
    room._camera = camera = Camera(128, 120, 1.2, 0, 0.1)
    seen = []
    for covered in (False, True):
        room.scene = Scene(camera, (1, 1, 1), NAMES.index)
        if covered:
            room.scene.put(Box("wall", (-1, 0, 1), (1, 1.15, 1.1), RED))
        room._put_thing(0, 1.0, 1.5, "bottle")
        seen.append((room.scene.ids == NAMES.index("bottle")).sum())
    assert 0 < seen[1] < 0.8 * seen[0]


def test_only_whole_objects_stand_in_rooms(pictures: dict[str, list[Picture]], tmp_path: Path) -> None:
    pictures["voc"] += [
        picture(tmp_path, NAMES, "chair", BLUE, (0, 20, 40, 100)),  # cut by an edge
        picture(tmp_path, NAMES, "person", BLUE, (20, 40, 120, 90)),  # lies
    ]
    rooms, rng = rooms_of(pictures), random.Random(0)
    bottle = rooms.object("bottle", rng)
    assert bottle is not None
    assert bottle.picture == pictures["voc"][0]
    assert all(rooms.object(name, rng) is None for name in {*ON_FLOOR, *ON_TOP} - {"bottle"})


@pytest.mark.parametrize("maker", PIECES)
def test_furniture_fills_its_place(maker: Maker) -> None:
    surfaces = RoomSurfaces(Pieces([], [], ["bed", "couch", "rug"], 0), random.Random(0))
    for seed in range(5):
        rng = random.Random(seed)
        wide, high, deep = size_of(maker, rng)
        boxes = list(maker(Place(1, 2, wide, high, deep), surfaces, rng))
        lows, highs = np.array([box.low for box in boxes]), np.array([box.high for box in boxes])
        assert (lows < highs).all()
        assert lows.min(0) == pytest.approx([1, 0, 2], abs=0.25 * high)
        assert highs.max(0)[[0, 2]] == pytest.approx([1 + wide, 2 + deep], abs=0.05)
        assert highs.max(0)[1] >= high - 1e-6


def test_furniture_at_the_side_has_its_back_to_the_wall() -> None:
    def paint(along: Floats, up: Floats) -> Floats:
        return np.stack([along, up, up], -1)

    back = Box("bed", (0.1, 0, 1.5), (1.9, 1, 2), paint, paint)  # of a piece that is 2 wide and 2 deep
    left, right = (turned(back, wall, 3, 2, towards) for wall, towards in ((-1, -1), (4, 1)))
    assert (left.low, left.high) == ((-1, 0, 3.1), (-0.5, 1, 4.9))
    assert (right.low, right.high) == ((3.5, 0, 3.1), (4, 1, 4.9))
    assert left.paint is paint
    assert left.flat is not None
    across, along = np.array([0.2], np.float32), np.array([0.7], np.float32)
    assert np.array_equal(left.flat(across, along), paint(along, across))


@pytest.mark.parametrize(("back", "inwards"), [(False, -1), (False, 1), (True, -1)])
def test_what_hangs_on_a_wall_is_on_its_inner_side(back: bool, inwards: int) -> None:
    surfaces = RoomSurfaces(
        Pieces([], [], ["curtain", "wall", "sky", "tree", "building"], 0), random.Random(0)
    )
    names = set()
    for seed in range(30):
        for box in hang(Wall(4, -2, 5, 2.6, inwards, back), surfaces, random.Random(seed)):
            low, high = np.array(box.low), np.array(box.high)
            across, along = (2, 0) if back else (0, 2)
            assert (low < high).all()
            assert (high if inwards < 0 else low)[across] == 4
            assert high[across] - low[across] < 0.15
            assert low[along] > -2.2
            assert high[along] < 3.2
            assert high[1] < 2.6
            names.add(box.name)
    assert names == {"window", "door", "painting", "mirror", "curtain", "towel", "window blind"}


@pytest.mark.parametrize(
    "make",
    [
        coverings.cloth,
        coverings.wood,
        coverings.slats,
        coverings.books,
        lambda rng: coverings.tiled(coverings.plain(rgb(1, 1, 1)), 0.3, 0.2, rng),
        lambda rng: coverings.doors(coverings.wood(rng), 0.5, 0.7, rng),
        lambda rng: coverings.framed(coverings.plain(rgb(0, 0, 0)), 1, 2, 2, rgb(1, 1, 1)),
        lambda rng: coverings.folded(coverings.cloth(rng), rng),
    ],
)
def test_coverings_colour_any_points(make: Callable[[random.Random], Paint]) -> None:
    chance = np.random.default_rng(0)
    along, up = chance.uniform(-1, 3, (2, 500)).astype(np.float32)
    for seed in range(5):
        paint = make(random.Random(seed))
        shown = paint(along, up)
        assert shown.shape == (500, 3)
        assert shown.dtype == np.float32
        assert 0 <= shown.min() <= shown.max() <= 1
        assert np.array_equal(paint(along, up), shown)
        assert paint(along[:0], up[:0]).shape == (0, 3)
    panes = coverings.framed(RED, 1, 2, 2, rgb(0, 0, 1))
    at = np.array([0.01, 0.25, 0.5, 0.75, 0.99], np.float32)
    assert panes(at, np.full(5, 0.5, np.float32))[:, 0].tolist() == [0, 1, 0, 1, 0]
