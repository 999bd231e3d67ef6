from __future__ import annotations

import numpy as np
import pytest

from openvss.video.overlay import LINE_LIGHT, Painter
from tests.video.formats.samples import classes, items, labelled, words


def test_a_pixel_is_half_itself_and_half_its_word() -> None:
    item = labelled(0, np.full((20, 30), 2, dtype=np.uint8))
    picture = Painter(classes(), (30, 20), legend=False).paint(item)
    expected = item.frame.pixels // 2 + np.array(classes()[2].colour) // 2
    assert np.array_equal(picture, expected)


@pytest.mark.parametrize("number", [4, 300])
def test_unlabelled_pixels_stay_as_they_are(number: int) -> None:
    names = words(number)
    item = labelled(0, items(1, names=names)[0].labels.labels, names)
    item.labels.labels[10:20, 10:20] = item.labels.unlabelled
    picture = Painter(classes(names), (48, 36), legend=False).paint(item)
    assert np.array_equal(picture[11:20, 11:20], item.frame.pixels[11:20, 11:20])


def test_many_words_are_drawn_like_few() -> None:
    few, many = classes(words(300))[:4], classes(words(300))
    labels = items(1, names=words(4))[0].labels.labels
    small = labelled(0, labels, words(4))
    wide = labels.astype(np.uint16)
    wide[labels == 255] = 65535
    large = labelled(0, wide, words(300))
    pictures = [
        Painter(infos, (48, 36), legend=False).paint(item) for infos, item in ((few, small), (many, large))
    ]
    assert np.array_equal(pictures[0], pictures[1])


def test_a_light_line_runs_between_regions() -> None:
    labels = np.zeros((20, 30), dtype=np.uint8)
    labels[:, 15:] = 1
    item = labelled(0, labels)
    item.frame.pixels[:] = 100
    picture = Painter(classes(), (30, 20), legend=False).paint(item).astype(int)
    inside = picture[:, 16]
    assert (picture[:, 16:] == inside[0]).all()
    assert np.array_equal(picture[:, 15], inside + ((255 - inside) * LINE_LIGHT >> 8))


def test_the_frame_itself_is_not_drawn_on() -> None:
    item = items(1, (320, 240))[0]
    before = item.frame.pixels.copy()
    Painter(classes(), (320, 240), legend=True).paint(item)
    assert np.array_equal(item.frame.pixels, before)
