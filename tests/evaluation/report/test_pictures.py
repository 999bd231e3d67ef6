"""Charts stay small, and their texts fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from openvss.evaluation.pictures.bars import MOST_BARS, Bar, draw_bars
from openvss.evaluation.pictures.canvas import MARGIN
from openvss.evaluation.pictures.confusion import draw_confusion
from openvss.evaluation.pictures.frames import DARK, PANEL, Shown, draw_frames
from openvss.video.colours import colours_for
from openvss.video.lettering import fitted, length


def test_pictures_of_many_classes_stay_small() -> None:
    names = [f"class {i}" for i in range(847)]
    bars = [Bar(name, (10, 20, 30), i / 847, 1 / 847) for i, name in enumerate(names)]
    assert draw_bars(bars, "title", 0.5).height < 30 * (MOST_BARS + 8)
    counts = np.random.default_rng(0).integers(0, 9, (847, 848))
    assert max(draw_confusion(counts, names, "title").size) < 2000


def test_every_colour_of_a_frame_is_named_below_it() -> None:
    names = [f"café number {i}" for i in range(60)]
    colours = colours_for(names)
    truth = np.zeros((60, 90), dtype=np.uint8)
    truth[0, :40] = np.arange(40)  # one pixel each
    prediction = truth.copy()
    prediction[1, :20] = np.arange(40, 60)
    prediction[2:, 3] = 255
    row = Shown("title", np.full((60, 90, 3), 128, dtype=np.uint8), truth, prediction, truth != prediction)
    sheet = np.asarray(draw_frames([row], names, colours, "title"))
    below = sheet[MARGIN + 66 + 34 + round(PANEL * 60 / 90) :]
    for colour in (*colours, DARK):
        assert (below == colour).all(axis=-1).sum() > 100
    assert (below[-MARGIN // 2 :] == 255).all()
    plain = draw_frames([replace(row, prediction=truth)], names, colours, "title")
    assert not (np.asarray(plain) == DARK).all(axis=-1).any()


@given(st.text(max_size=40), st.integers(0, 300))
def test_text_fits_its_room(text: str, room: int) -> None:
    short = fitted(text, 16, room)
    assert length(short, 16) <= max(room, length("…", 16))
