"""Frames, ground truth and predictions side by side: each in its place, each word in its colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openvss.data.base import Clip, Ids
from openvss.errors import InputError
from openvss.evaluation.compare_frames import choose_frames, draw, find_video, predict
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.pictures import film_strip as picture
from openvss.evaluation.pictures.canvas import MARGIN
from openvss.evaluation.pictures.film_strip import NO_WORD, Row, draw_strip
from openvss.video.colours import Colour, colours_for
from openvss.video.images import read_image
from openvss.video.pixels import Pixels
from tests.evaluation.sets import Noisy, task_of, write_objects, write_set

NAMES = ("sky", "road", "person", "tree")
COLOURS: tuple[Colour, ...] = ((10, 200, 30), (200, 10, 30), (30, 10, 200), (200, 200, 10))
SIZE = (24, 32)
TALL = picture.PANEL * SIZE[0] // SIZE[1]


def filled(*ids: int) -> list[Ids]:
    return [np.full(SIZE, one, dtype=np.uint8) for one in ids]


def grey(*values: int) -> list[Pixels]:
    return [np.full((*SIZE, 3), value, dtype=np.uint8) for value in values]


def panel(sheet: Image.Image, row: int, column: int) -> Image.Image:
    """Row 0 are the frames."""
    left = MARGIN + column * (picture.PANEL + picture.GAP)
    top = MARGIN + picture.HEAD + row * (picture.NAME + TALL)
    return sheet.crop((left, top, left + picture.PANEL, top + TALL))


def only_colour(sheet: Image.Image) -> Colour:
    colours = sheet.getcolors()
    assert colours is not None
    assert len(colours) == 1
    red, green, blue = np.asarray(sheet)[0, 0].tolist()
    return red, green, blue


def shown(sheet: Image.Image) -> set[Colour]:
    pixels = np.asarray(sheet).reshape(-1, 3)
    return {(red, green, blue) for red, green, blue in np.unique(pixels, axis=0).tolist()}


def legend(sheet: Image.Image, rows: int) -> Image.Image:
    top = MARGIN + picture.HEAD + TALL + rows * (picture.NAME + TALL)
    return sheet.crop((0, top, *sheet.size))


def test_every_frame_and_every_label_is_in_its_place() -> None:
    rows = [Row("ground truth", filled(0, 1, 2)), Row("a", filled(2, 0, 1)), Row("b", filled(3, 255, 0))]
    sheet = draw_strip("title", ["1", "2", "3"], grey(50, 100, 150), rows, NAMES, COLOURS)
    for column, value in enumerate((50, 100, 150)):
        assert only_colour(panel(sheet, 0, column)) == (value, value, value)
    for place, row in enumerate(rows, 1):
        for column, ids in enumerate(row.ids):
            word = int(ids[0, 0])
            assert only_colour(panel(sheet, place, column)) == (NO_WORD if word == 255 else COLOURS[word])


def test_pixels_keep_their_place_within_a_frame() -> None:
    ids = np.zeros(SIZE, dtype=np.uint16)
    ids[:, 16:] = 65535
    ids[12:, :16] = 3
    sheet = draw_strip("title", ["1"], grey(0), [Row("a", [ids])], NAMES, COLOURS)
    labels = panel(sheet, 1, 0)
    assert only_colour(labels.crop((0, 0, 160, TALL // 2))) == COLOURS[0]
    assert only_colour(labels.crop((0, TALL // 2, 160, TALL))) == COLOURS[3]
    assert only_colour(labels.crop((160, 0, 320, TALL))) == NO_WORD


def test_the_legend_has_the_words_that_occur_and_no_others() -> None:
    rows = [Row("ground truth", filled(0, 0)), Row("a", filled(2, 0))]
    sheet = draw_strip("title", ["1", "2"], grey(0, 0), rows, NAMES, COLOURS)
    assert shown(legend(sheet, 2)) >= {COLOURS[0], COLOURS[2]}
    assert not shown(legend(sheet, 2)) & {COLOURS[1], COLOURS[3], NO_WORD}
    rows += [Row("b", filled(255, 1))]
    sheet = draw_strip("title", ["1", "2"], grey(0, 0), rows, NAMES, COLOURS)
    assert shown(legend(sheet, 3)) >= {COLOURS[0], COLOURS[1], COLOURS[2], NO_WORD}


def test_the_legend_begins_with_the_largest_word_and_ends_with_none() -> None:
    rows = [Row("ground truth", filled(3, 1, 255)), Row("a", filled(1, 255, 255)), Row("b", filled(1, 0, 0))]
    sheet = np.asarray(legend(draw_strip("title", ["1"] * 3, grey(0, 0, 0), rows, NAMES, COLOURS), 3))
    places = [np.argwhere((sheet == colour).all(axis=2))[:, 1].min() for colour in (*COLOURS[:2], COLOURS[3])]
    sky, road, tree = places
    assert MARGIN <= road < sky < tree < np.argwhere((sheet == NO_WORD).all(axis=2))[:, 1].min()


def test_a_long_legend_takes_several_lines_and_stays_on_the_sheet() -> None:
    names = [f"a word of some length {i}" for i in range(40)]
    colours = colours_for(names)
    ids = (np.arange(SIZE[0] * SIZE[1]) % 40).astype(np.uint8).reshape(SIZE)
    one = draw_strip("title", ["1"], grey(0), [Row("a", [ids])], names, colours)
    wide = draw_strip("title", ["1"] * 6, grey(*[0] * 6), [Row("a", [ids] * 6)], names, colours)
    for sheet in (one, wide):
        assert shown(legend(sheet, 1)) >= set(colours)
        paper = np.asarray(legend(sheet, 1))
        assert (paper[:, : MARGIN - 1] == 255).all()
        assert (paper[:, -MARGIN + 1 :] == 255).all()
        assert (paper[-MARGIN:] == 255).all()
    assert one.height > wide.height


def test_a_strip_of_a_video(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (9, 5), size=SIZE))
    clip, noisy = task.dataset.clips[0], Noisy(task.dataset)
    frames = [2, 5]
    predicted = list(predict(noisy, clip, frames))
    for ids, index in zip(predicted, frames, strict=True):
        np.testing.assert_array_equal(ids, noisy.at(clip, index))
    sheet = draw(task, clip, frames, {"noisy": predicted}, "set")
    colours = np.array([*colours_for(task.words.names), NO_WORD], dtype=np.uint8)
    for column, index in enumerate(frames):
        pixels = Image.fromarray(read_image(clip.frames[index]))
        truth = Image.fromarray(colours[np.minimum(task.truth(clip, index), 4)])
        labels = Image.fromarray(colours[np.minimum(predicted[column], 4)])
        for row, expected in enumerate((pixels, truth, labels)):
            enlarged = expected.resize((picture.PANEL, TALL), Image.Resampling.BOX)
            np.testing.assert_array_equal(np.asarray(panel(sheet, row, column)), np.asarray(enlarged))
    assert sheet.tobytes() == draw(task, clip, frames, {"noisy": predicted}, "set").tobytes()


def test_a_named_object_has_the_colour_of_its_first_word(tmp_path: Path) -> None:
    task = task_of(write_objects(tmp_path / "set", 4))
    clip = next(clip for clip in task.dataset.clips if clip.name == "ride")
    sheet = draw(task, clip, [0], {"none": filled(255)}, "set")
    person = colours_for(task.words.names)[task.words.names.index("person")]
    assert shown(panel(sheet, 1, 0)) == {person, NO_WORD}


def clip_with_labels_at(labelled: Sequence[int], length: int) -> Clip:
    files = tuple(Path(f"{index}") for index in range(length))
    return Clip("v", files, tuple(file if index in labelled else None for index, file in enumerate(files)))


@pytest.mark.parametrize(
    ("labelled", "wanted", "expected"),
    [
        (range(20), None, [7, 8, 9, 10, 11, 12]),
        (range(0, 100, 10), None, [20, 30, 40, 50, 60, 70]),
        (range(4), None, [0, 1, 2, 3]),
        ([7], None, [7]),
        (range(20), "4", [4]),
        (range(20), "9, 4-6,5", [4, 5, 6, 9]),
    ],
)
def test_the_frames_that_are_shown(labelled: Sequence[int], wanted: str | None, expected: list[int]) -> None:
    assert choose_frames(clip_with_labels_at(labelled, 100), wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("", "--frames  names no frames: write --frames 40-45"),
        ("4,", "names no frames"),
        ("6-4", "names no frames"),
        ("-4", "names no frames"),
        ("all", "names no frames"),
        ("18-30", "v has no frame 30: give --frames from 0 to 29."),
        ("0-9999999999999", "v has no frame 9999999999999"),
        ("3,4", "Frame 3 of v has no labels, .* such as --frames 0,2,4,6,8,10."),
        ("0,2,4,6,8,10,12,14,16,18,20,22,24", "names 13 frames: give at most 12"),
    ],
)
def test_frames_that_cannot_be_shown(wanted: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose_frames(clip_with_labels_at(range(0, 30, 2), 30), wanted)


def test_a_video_that_is_not_there(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (2, 2, 2, 2)))
    assert find_video(task, "v2").name == "v2"
    with pytest.raises(InputError, match=r"No video named 'v22' was scored: did you mean v2"):
        find_video(task, "v22")
    with pytest.raises(InputError, match=r"No video named 'lake' was scored: name one such as v0, v1, v2."):
        find_video(task, "lake")


def test_classes_that_do_not_count_are_not_shown(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (2,), size=SIZE))
    some = Task(task.dataset, task.words, replace(task.rules, counted=(1, 2)))
    clip = task.dataset.clips[0]
    present = np.unique(task.labels(clip, 0)).tolist()
    assert {0, 1, 2, 3} <= set(present)
    colours = colours_for(task.words.names)
    sheet = draw(some, clip, [0], {"none": filled(255)}, "set")
    assert shown(panel(sheet, 1, 0)) == {colours[1], colours[2], NO_WORD}
