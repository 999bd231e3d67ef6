from __future__ import annotations

import numpy as np
import pytest

from openvss.video.formats.classes import class_infos
from openvss.video.formats.contract import Labelled
from openvss.video.formats.painter import LINE_LIGHT, ROWS, Legend, Painter
from openvss.video.formats.style import OverlayStyle
from tests.video.formats.samples import WORDS, classes, items, labelled, words

NO_LEGEND = OverlayStyle(legend=False)


def test_a_pixel_is_half_itself_and_half_its_word() -> None:
    item = labelled(0, np.full((20, 30), 2, dtype=np.uint8))
    picture = Painter(classes(), (30, 20), NO_LEGEND).paint(item)
    expected = item.frame.pixels // 2 + np.array(classes()[2].colour) // 2
    assert np.array_equal(picture, expected)


@pytest.mark.parametrize("number", [4, 300])
def test_unlabelled_pixels_stay_as_they_are(number: int) -> None:
    names = words(number)
    item = labelled(0, items(1, names=names)[0].labels.labels, names)
    item.labels.labels[10:20, 10:20] = item.labels.unlabelled
    picture = Painter(classes(names), (48, 36), NO_LEGEND).paint(item)
    assert np.array_equal(picture[11:20, 11:20], item.frame.pixels[11:20, 11:20])


def test_many_words_are_drawn_like_few() -> None:
    few, many = classes(words(300))[:4], classes(words(300))
    labels = items(1, names=words(4))[0].labels.labels
    small = labelled(0, labels, words(4))
    wide = labels.astype(np.uint16)
    wide[labels == 255] = 65535
    large = labelled(0, wide, words(300))
    pictures = [
        Painter(infos, (48, 36), NO_LEGEND).paint(item) for infos, item in ((few, small), (many, large))
    ]
    assert np.array_equal(pictures[0], pictures[1])


def test_a_light_line_runs_between_regions() -> None:
    labels = np.zeros((20, 30), dtype=np.uint8)
    labels[:, 15:] = 1
    item = labelled(0, labels)
    item.frame.pixels[:] = 100
    picture = Painter(classes(), (30, 20), NO_LEGEND).paint(item).astype(int)
    inside = picture[:, 16]
    assert (picture[:, 16:] == inside[0]).all()
    assert np.array_equal(picture[:, 15], inside + ((255 - inside) * LINE_LIGHT >> 8))


@pytest.mark.parametrize(("opacity", "kept"), [(0.0, 256), (0.25, 192), (1.0, 0)])
def test_the_opacity_says_how_much_of_a_pixel_is_its_word(opacity: float, kept: int) -> None:
    item = labelled(0, np.full((20, 30), 2, dtype=np.uint8))
    picture = Painter(classes(), (30, 20), OverlayStyle(legend=False, opacity=opacity)).paint(item)
    tint = np.array(classes()[2].colour) * (256 - kept) // 256
    assert np.array_equal(picture, item.frame.pixels.astype(int) * kept // 256 + tint)


def test_outlines_are_drawn_inside_each_region_in_its_colour() -> None:
    labels = np.zeros((40, 60), dtype=np.uint8)
    labels[:, 30:] = 1
    labels[:10, 30:] = 255
    item = labelled(0, labels)
    style = OverlayStyle(legend=False, opacity=0, outlines=True)
    picture = Painter(classes(), (540, 540), style).paint(item)  # in frames of this size lines are 2 wide
    expected = item.frame.pixels.copy()
    expected[:, 28:30] = classes()[0].colour
    expected[10:, 30:32] = expected[10:12, 30:] = classes()[1].colour
    assert np.array_equal(picture, expected)


def test_the_rest_is_shown_as_it_is_with_a_line_around_words() -> None:
    infos = class_infos([("dog", ()), ("everything else", ())], rest=1)
    labels = np.ones((20, 30), dtype=np.uint8)
    labels[5:15, 10:20] = 0
    item = labelled(0, labels, ("dog", "everything else"))
    picture = Painter(infos, (30, 20), NO_LEGEND).paint(item)
    changed = (picture != item.frame.pixels).any(axis=-1)
    assert changed[5:15, 10:21].all()  # the dog, and the line to the right of it
    assert not changed[:5].any()
    assert not changed[:, :10].any()
    assert not changed[16:].any()


def test_side_by_side_begins_with_the_frame() -> None:
    item = items(1, (320, 240))[0]
    alone, both = (
        Painter(classes(), (320, 240), OverlayStyle(side_by_side=side)).paint(item) for side in (False, True)
    )
    assert np.array_equal(both, np.concatenate([item.frame.pixels, alone], axis=1))


def test_the_frame_itself_is_not_drawn_on() -> None:
    item = items(1, (320, 240))[0]
    before = item.frame.pixels.copy()
    Painter(classes(), (320, 240), OverlayStyle()).paint(item)
    assert np.array_equal(item.frame.pixels, before)


# The legend


def counted(counts: list[int], size: tuple[int, int], unlabelled: int = 0) -> Labelled:
    """A grey frame with these counts, whatever its labels."""
    item = labelled(0, np.zeros(size[::-1], dtype=np.uint8), words(len(counts)))
    item.frame.pixels[:] = 128
    item.__dict__["counts"] = np.array([*counts, unlabelled])
    return item


def drawn(legend: Legend, counts: list[int], size: tuple[int, int], unlabelled: int = 0) -> np.ndarray:
    width, height = size
    picture = np.full((height, width, 3), 128, dtype=np.uint8)
    legend.draw(picture, counted(counts, size, unlabelled))
    return picture


def box(picture: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what was drawn."""
    rows, columns = np.nonzero((picture != 128).any(axis=-1))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def shown(picture: np.ndarray, number: int) -> list[int]:
    """The words whose colours are in the picture, from top to bottom."""
    rows = {}
    for info in classes(words(number)):
        places = np.flatnonzero((picture == info.colour).all(axis=-1).sum(axis=1) >= 6)
        if len(places):
            rows[int(places[0])] = info.id
    return [rows[place] for place in sorted(rows)]


@pytest.mark.parametrize("number", [1, 3, 16])
def test_few_words_are_all_listed_in_their_order(number: int) -> None:
    legend = Legend(classes(words(number)), (854, 480))
    picture = drawn(legend, [0] * number, (854, 480))
    assert shown(picture, number) == list(range(number))


def test_of_many_words_the_largest_are_listed_and_keep_their_rows() -> None:
    legend = Legend(classes(words(40)), (854, 480))
    counts = [100 - i if i < 20 else 0 for i in range(40)]
    first = shown(drawn(legend, counts, (854, 480)), 40)
    assert first == list(range(ROWS))
    counts[:20] = counts[:20][::-1]  # the same words, other sizes
    second = shown(drawn(legend, counts, (854, 480)), 40)
    assert set(second) == set(range(4, 20))
    assert [word for word, before in zip(second, first, strict=True) if word == before] == list(range(4, 16))
    gone = [0] * 40
    assert shown(drawn(legend, gone, (854, 480)), 40) == second


def test_the_legend_stays_in_its_corner() -> None:
    size = (320, 240)
    picture = drawn(Legend(classes(), size), [1] * len(WORDS), size)
    changed = np.argwhere((picture != 128).any(axis=-1))
    bottom, right = changed.max(axis=0)
    assert changed.min() > 0
    assert bottom < 120
    assert right < 160
    assert picture.max() > 230  # white letters


CORNERS = [(bottom, right) for bottom in (False, True) for right in (False, True)]


@pytest.mark.parametrize("corner", CORNERS)
def test_the_legend_lies_where_it_hides_least_and_stays_there(corner: tuple[bool, bool]) -> None:
    size = (320, 240)
    item = counted([1] * 4, size)
    detail = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    plain = slice(120, None) if corner[0] else slice(120), slice(160, None) if corner[1] else slice(160)
    detail[plain] = 128
    item.frame.pixels[:] = detail
    legend = Legend(classes(), size)
    for labels in (item, counted([1] * 4, size)):
        picture = np.full((240, 320, 3), 128, dtype=np.uint8)
        legend.draw(picture, labels)
        left, top, right, bottom = box(picture)
        assert (top >= 120, left >= 160) == corner
        assert min(left, top, 320 - right, 240 - bottom) > 0
        assert max(left, 320 - right) >= 160
        assert max(top, 240 - bottom) >= 120


def test_it_covers_what_nobody_asked_for_rather_than_a_word_and_a_large_word_rather_than_a_small_one() -> (
    None
):
    infos = class_infos([("dog", ()), ("grass", ()), ("everything else", ())], rest=2)
    for covered, others in ((2, (0, 1, 1)), (1, (0, 0, 0)), (255, (1, 1, 0))):
        labels = np.full((240, 320), 1, dtype=np.uint8)
        for place, label in zip(CORNERS, (*others, covered), strict=True):
            labels[180 * place[0] :, 240 * place[1] :][:60, :80] = label
        item = labelled(0, labels, ("dog", "grass", "everything else"))
        item.frame.pixels[:] = 128
        picture = np.full((240, 320, 3), 128, dtype=np.uint8)
        Legend(infos, (320, 240)).draw(picture, item)
        assert min(box(picture)[:2]) > 120, covered


def test_the_rest_and_what_is_unlabelled_come_last() -> None:
    size = (320, 240)
    infos = class_infos([("everything else", ()), ("dog", ()), ("cat", ())], rest=0)
    legend = Legend(infos, size)
    first = drawn(legend, [1, 1, 1], size)
    tops = [int(np.nonzero((first == c.colour).all(axis=-1))[0][0]) for c in infos]
    assert tops[1] < tops[2] < tops[0]
    more = drawn(legend, [1, 1, 1], size, unlabelled=1)
    line = tops[2] - tops[1]
    assert box(more)[3] == box(first)[3] + line
    assert np.array_equal(drawn(legend, [1, 1, 1], size), more)  # the row stays


@pytest.mark.parametrize("number", [1, 4, 40])
@pytest.mark.parametrize(
    "size", [(96, 64), (160, 120), (176, 144), (320, 240), (240, 320), (854, 480), (3840, 2160)]
)
def test_little_of_a_frame_is_covered_and_letters_grow_with_it(size: tuple[int, int], number: int) -> None:
    legend = Legend(classes(words(number)), size)
    picture = drawn(legend, [1] * number, size, unlabelled=1)
    if (picture == 128).all():
        assert size == (96, 64)
        return
    left, top, right, bottom = box(picture)
    assert (right - left) * (bottom - top) <= 0.21 * size[0] * size[1]
    listed = shown(picture, number)
    assert len(listed) >= min(number, 3)
    if size == (3840, 2160):
        assert (bottom - top) / (len(listed) + 2) > 80


def test_long_names_are_shortened() -> None:
    size = (320, 240)
    legend = Legend(
        classes(["a very long name that nobody could ever read in so small a frame", "sky"]), size
    )
    changed = np.argwhere((drawn(legend, [1, 1], size) != 128).any(axis=-1))
    assert changed[:, 1].max() < 320 * 0.45


@pytest.mark.parametrize("size", [(1, 1), (33, 35), (40, 300), (300, 30)])
def test_frames_too_small_get_none(size: tuple[int, int]) -> None:
    assert (drawn(Legend(classes(), size), [1] * len(WORDS), size) == 128).all()
