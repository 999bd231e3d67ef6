"""Reports: complete, readable by other software, and true to the counts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from openvss.data import synthetic
from openvss.evaluation.metrics.flicker import Flicker
from openvss.evaluation.report import page as report
from openvss.evaluation.report.looks import SHOWN, STRETCH, Look, Looks, VideoLooks
from openvss.evaluation.report.pictures.bars import MOST_BARS, Bar, draw_bars
from openvss.evaluation.report.pictures.canvas import fitted, font
from openvss.evaluation.report.pictures.confusion import draw_confusion
from openvss.evaluation.runner import run
from tests.evaluation.sets import Noisy, folder_for, task_of, write_set


def test_a_report_of_videos(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (18, 3)))
    folder = folder_for(tmp_path / "out", task, Noisy(task.dataset))
    result = report.write(folder, task, run(task, Noisy(task.dataset), folder))
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "metrics.json", "per_class.csv", "report.md", "classes.png", "confusion.png", "best.png",
        "worst.png", "flicker.png",
    }  # fmt: skip
    assert json.loads((out / "metrics.json").read_text()) == result
    rows = list(csv.DictReader((out / "per_class.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == ["sky", "road", "person", "tree"]
    assert [float(row["iou"]) for row in rows] == [row["iou"] for row in result["per_class"]]
    text = (out / "report.md").read_text()
    assert f"{100 * result['miou']:.2f}" in text
    for picture in out.glob("*.png"):
        assert f"({picture.name})" in text
        with Image.open(picture) as image:
            assert image.mode == "RGB"
            assert min(image.size) > 100
    for line in (line for line in text.splitlines() if line.startswith("|")):
        assert line.endswith("|")


def test_a_class_that_is_not_there_has_no_number(tmp_path: Path) -> None:
    synthetic.make("voc20", tmp_path / "set")
    task = task_of(tmp_path / "set", "voc20")
    folder = folder_for(tmp_path / "out", task, Noisy(task.dataset))
    result = report.write(folder, task, run(task, Noisy(task.dataset), folder))
    absent = [row for row in result["per_class"] if not row["pixels"]]
    assert absent
    assert all(row["iou"] is None and row["accuracy"] is None for row in absent)
    assert f"{len(absent)} of 20 classes do not occur" in (tmp_path / "out" / "report.md").read_text()
    assert "NaN" not in (tmp_path / "out" / "metrics.json").read_text()


def test_pictures_of_many_classes_stay_small() -> None:
    names = [f"class {i}" for i in range(847)]
    bars = [Bar(name, (10, 20, 30), i / 847, 1 / 847) for i, name in enumerate(names)]
    assert draw_bars(bars, "title", 0.5).height < 30 * (MOST_BARS + 8)
    counts = np.random.default_rng(0).integers(0, 9, (847, 848))
    assert max(draw_confusion(counts, names, "title").size) < 2000


def test_nothing_that_counts_gives_no_numbers_and_no_pictures(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", (2,))
    for mask in root.rglob("mask/*.png"):
        Image.new("L", (32, 24), 255).save(mask)
    task = task_of(root)
    folder = folder_for(tmp_path / "out", task, Noisy(task.dataset))
    result = report.write(folder, task, run(task, Noisy(task.dataset), folder))
    assert result["miou"] is None
    assert result["mvc8"] is None
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "metrics.json", "per_class.csv", "report.md",
    }  # fmt: skip


@given(st.text(max_size=40), st.integers(0, 300))
def test_text_fits_its_room(text: str, room: int) -> None:
    short = fitted(text, 16, room)
    assert font(16).getlength(short) <= max(room, font(16).getlength("…"))


def test_flicker_counts_changes_of_still_pixels_only() -> None:
    flicker = Flicker(ignore=255)
    truth = np.array([[0, 0, 1, 255]], dtype=np.uint8)
    moved = np.array([[0, 0, 0, 255]], dtype=np.uint8)
    first, second = (np.array([row], dtype=np.uint8) for row in ([0, 1, 1, 0], [0, 2, 2, 1]))
    flicker.add(truth, first)
    flicker.add(truth, second)  # pixels 1 and 2 change, 3 does not count
    flicker.add(moved, first)  # pixel 2 moved: only 1 changes
    assert flicker.steps == [(2, 3), (1, 2)]
    assert flicker.total == (3, 5)
    assert flicker.changed.tolist() == [[0, 2, 1, 0]]
    assert flicker.still.tolist() == [[2, 2, 1, 0]]
    flicker.skip()
    flicker.add(truth, second)
    assert len(flicker.steps) == 2


def test_long_videos_have_as_many_steps_as_others_and_no_count_wraps() -> None:
    flicker = Flicker(ignore=255)
    truth = np.zeros((1, 1), dtype=np.uint8)
    transitions = 66_000
    for index in range(transitions + 1):
        flicker.add(truth, np.array([[index % 2]], dtype=np.uint8))
    assert flicker.total == (transitions, transitions)
    assert flicker.changed.tolist() == flicker.still.tolist() == [[transitions]]
    assert 500 < len(flicker.steps) <= 1000
    assert set(flicker.steps[:-1]) == {(128, 128)}
    assert tuple(map(sum, zip(*flicker.steps, strict=True))) == flicker.total


Scores = st.lists(
    st.lists(st.floats(0, 1, width=16) | st.just(float("nan")), max_size=2 * STRETCH + 3), max_size=5
)


@given(Scores, st.permutations(range(5)))
def test_what_is_shown_depends_on_scores_alone(scores: list[list[float]], order: list[int]) -> None:
    blank = np.zeros((1, 1), dtype=np.uint8)
    videos = []
    for number, frames in enumerate(scores):
        looks = VideoLooks(number)
        for frame, value in enumerate(frames):
            looks.add(frame, value, blank)
        videos.append(looks.finish())

    def chosen(parts: list[Looks], *, pruned: bool) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        whole = Looks()
        for part in parts:
            whole.merge(part.without_losers(whole) if pruned else part)
        return keys(whole.best), keys(whole.worst)

    expected = chosen(videos, pruned=False)
    assert chosen([videos[i] for i in order if i < len(videos)], pruned=True) == expected
    valid = [value for frames in scores for value in frames if not np.isnan(value)]
    best = [scores[video][frame] for video, frame in expected[0]]
    assert len(best) <= SHOWN
    assert best[:1] == sorted(valid, reverse=True)[:1]
    assert [scores[video][frame] for video, frame in expected[1]][:1] == sorted(valid)[:1]


def keys(looks: list[Look]) -> list[tuple[int, int]]:
    return [(look.video, look.frame) for look in looks]


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.12345, "12.35"), (1.0, "100.00")])
def test_percent(value: float | None, text: str) -> None:
    assert report.percent(value) == text
