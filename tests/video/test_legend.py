from __future__ import annotations

import numpy as np
import pytest

from openvss.video.legend import ROWS, Legend
from tests.video.formats.samples import WORDS, classes, words


def drawn(legend: Legend, counts: list[int], size: tuple[int, int]) -> np.ndarray:
    width, height = size
    picture = np.full((height, width, 3), 128, dtype=np.uint8)
    legend.draw(picture, np.array([*counts, 0]))
    return picture


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
