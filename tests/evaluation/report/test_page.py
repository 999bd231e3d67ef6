"""Reports: complete, readable by other software, and true to the counts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from PIL import Image

from openvss.data.make import make
from openvss.evaluation.report import page as report
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
    make("voc20", tmp_path / "set")
    task = task_of(tmp_path / "set", "voc20")
    folder = folder_for(tmp_path / "out", task, Noisy(task.dataset))
    result = report.write(folder, task, run(task, Noisy(task.dataset), folder))
    absent = [row for row in result["per_class"] if not row["pixels"]]
    assert absent
    assert all(row["iou"] is None and row["accuracy"] is None for row in absent)
    assert f"{len(absent)} of 20 classes do not occur" in (tmp_path / "out" / "report.md").read_text()
    assert "NaN" not in (tmp_path / "out" / "metrics.json").read_text()


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


def test_hostile_names_are_shown_as_they_are(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", (2,))
    classes = root / "classes.txt"
    names = ["<script>alert(1)</script>", "=cmd()", "-sum [a](b)", "tree"]
    classes.write_text("".join(f"{i} {name}\n" for i, name in enumerate(names)))
    task = task_of(root)
    folder = folder_for(tmp_path / "out", task, Noisy(task.dataset))
    result = report.write(folder, task, run(task, Noisy(task.dataset), folder))
    text = (tmp_path / "out" / "report.md").read_text()
    assert "<script" not in text
    assert "[a](b)" not in text
    assert "&lt;script&gt;" in text
    rows = list(csv.DictReader((tmp_path / "out" / "per_class.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == [names[0], "'=cmd()", "'-sum [a](b)", "tree"]
    assert [row["name"] for row in result["per_class"]] == names
