from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openvss.video.formats import chart
from openvss.video.formats.chart import BARS, PLOT, ChartWriter, clock_text
from openvss.video.formats.classes import class_infos
from openvss.video.formats.contract import OutputPlan, SourceInfo
from openvss.video.formats.style import OverlayStyle
from tests.video.formats.samples import classes, labelled


def draw(folder: Path, frames: int, rate: Fraction = Fraction(10)) -> np.ndarray:
    """The first half of the video is word 0 above word 1, the second half unlabelled."""
    writer = ChartWriter(OutputPlan(folder, classes(), SourceInfo((8, 8), rate), OverlayStyle()))
    for index in range(frames):
        labels = np.full((8, 8), 255, dtype=np.uint8)
        if index < frames // 2:
            labels[:2], labels[2:] = 0, 1
        writer.add(labelled(index, labels, time=5 + index / rate))
    writer.finish()
    with Image.open(folder / "shares.png") as picture:
        return np.asarray(picture)


def colour_at(picture: np.ndarray, across: float, up: float) -> tuple[int, ...]:
    left, top, right, bottom = PLOT
    x, y = left + (right - left) * across, bottom - (bottom - top) * up
    return tuple(int(value) for value in picture[round(y), round(x)])


@pytest.mark.parametrize(("frames", "bins"), [(8, 2048), (100, 2048), (1000, 16)])
def test_areas_show_the_shares_however_long_the_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: int, bins: int
) -> None:
    monkeypatch.setattr(chart, "MOST_BINS", bins)
    picture = draw(tmp_path, frames)
    first, second = classes()[0].colour, classes()[1].colour
    assert colour_at(picture, 0.2, 0.2) == colour_at(picture, 0.4, 0.23) == first
    assert colour_at(picture, 0.2, 0.3) == colour_at(picture, 0.4, 0.95) == second
    assert colour_at(picture, 0.6, 0.1) == colour_at(picture, 0.9, 0.9) == chart.NOTHING


def test_one_frame_has_bars_as_long_as_its_shares(tmp_path: Path) -> None:
    infos = class_infos([("everything else", ()), ("sky", ()), ("café", ()), ("road", ())], rest=0)
    writer = ChartWriter(OutputPlan(tmp_path, infos, SourceInfo((8, 8), kind="image"), OverlayStyle()))
    labels = np.full((8, 8), 255, dtype=np.uint8)
    labels[:4], labels[4], labels[5:7] = 0, 1, 2
    writer.add(labelled(0, labels, tuple(info.name for info in infos)))
    writer.finish()
    with Image.open(tmp_path / "shares.png") as opened:
        picture = np.asarray(opened)
    rest, sky, cafe, _ = (info.colour for info in infos)
    rows = {}
    for colour, share in ((cafe, 0.25), (sky, 0.125), (rest, 0.5), (chart.NOTHING, 0.125)):
        same = (picture == colour).all(axis=-1)
        row = int(same.sum(axis=1).argmax())
        rows[colour] = row
        assert same[row].sum() == pytest.approx(share * (BARS[2] - BARS[0]), abs=12)
    assert list(rows.values()) == sorted(rows.values())  # the words, largest first, then the rest


def test_times_are_written_as_people_write_them() -> None:
    assert clock_text(0.2, 0.1) == "0.2 s"
    assert clock_text(0.02, 0.02) == "0.02 s"
    assert clock_text(65, 5) == "1:05"
    assert clock_text(3605, 600) == "1:00:05"
