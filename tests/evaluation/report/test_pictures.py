"""Charts stay small, and their texts fit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from openvss.evaluation.pictures.bars import MOST_BARS, Bar, draw_bars
from openvss.evaluation.pictures.canvas import fitted, font
from openvss.evaluation.pictures.confusion import draw_confusion


def test_pictures_of_many_classes_stay_small() -> None:
    names = [f"class {i}" for i in range(847)]
    bars = [Bar(name, (10, 20, 30), i / 847, 1 / 847) for i, name in enumerate(names)]
    assert draw_bars(bars, "title", 0.5).height < 30 * (MOST_BARS + 8)
    counts = np.random.default_rng(0).integers(0, 9, (847, 848))
    assert max(draw_confusion(counts, names, "title").size) < 2000


@given(st.text(max_size=40), st.integers(0, 300))
def test_text_fits_its_room(text: str, room: int) -> None:
    short = fitted(text, 16, room)
    assert font(16).getlength(short) <= max(room, font(16).getlength("…"))
