"""A metric of somebody else: one class and one line bring it into results, reports and tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from PIL import Image

from openvss.evaluation.compare import best, columns, compare
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.metrics.base import Column, Metric, ReportSection, ScoredFrame
from openvss.evaluation.metrics.catalogue import METRICS
from openvss.evaluation.report import page as report
from openvss.evaluation.runner import run
from tests.cli.runner import Runner
from tests.evaluation.sets import Noisy, folder_for, snapshot, task_of, write_set


class Unlabelled(Metric):
    """The share of counted pixels that got no class."""

    columns = (Column("unlabelled", "unlabelled", lowest_is_best=True),)
    files = ("unlabelled.png", "unlabelled.csv")

    def __init__(self, missing: int, counted: int, ignore: int = 255) -> None:
        self.missing, self.counted, self.ignore = missing, counted, ignore

    @classmethod
    def start(cls, task: Task) -> Self:
        return cls(0, 0, task.dataset.ignore)

    def update(self, frame: ScoredFrame) -> None:
        counts = frame.truth != self.ignore
        self.counted += int(np.count_nonzero(counts))
        self.missing += int(np.count_nonzero(counts & (frame.prediction == 255)))

    def merge(self, other: Self) -> None:
        self.missing += other.missing
        self.counted += other.counted

    def state(self) -> dict[str, Any]:
        return {"missing": self.missing, "counted": np.array([self.counted])}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(state["missing"], int(state["counted"][0]))

    def compute(self, task: Task) -> dict[str, Any]:
        return {"unlabelled": self.missing / self.counted}

    def details(self, task: Task) -> dict[str, Any]:
        return {"counted_pixels": self.counted}

    def sections(self, result: Mapping[str, Any]) -> list[ReportSection]:
        return [ReportSection("Unlabelled", f"{result['counted_pixels']} pixels count.")]

    def tables(self, result: Mapping[str, Any]) -> dict[str, str]:
        return {"unlabelled.csv": f"{result['unlabelled']}\n"}

    def pictures(
        self, folder: Path, task: Task, result: Mapping[str, Any], title: str
    ) -> Iterator[tuple[str, str]]:
        Image.new("RGB", (200, 200)).save(folder / "unlabelled.png")
        yield "unlabelled.png", "Where nothing was found"


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METRICS, "_entries", dict(METRICS._entries))
    METRICS.add("unlabelled", Unlabelled)


def score(task: Task, out: Path, stop_after: int | None = None, *, resume: bool = False) -> dict[str, Any]:
    predictions = Noisy(task.dataset, stop_after)
    folder = folder_for(out, task, predictions, resume=resume)
    return report.write(folder, task, run(task, predictions, folder))


@pytest.mark.usefixtures("added")
def test_it_is_everywhere_that_ours_are(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (5, 3)))
    result = score(task, tmp_path / "out")
    missing = counted = 0
    for clip in task.dataset.clips:
        for index, ids in Noisy(task.dataset).of(clip):
            for true, found in zip(task.truth(clip, index).flat, ids.flat, strict=True):
                counted += true != 255
                missing += true != 255 and found == 255
    assert result["unlabelled"] == missing / counted
    assert result["counted_pixels"] == counted
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == result
    keys = list(result)
    assert keys.index("flicker") + 1 == keys.index("unlabelled")
    assert keys.index("consistency") + 1 == keys.index("counted_pixels") == keys.index("per_class") - 1
    text = (tmp_path / "out" / "report.md").read_text()
    assert "| flicker | unlabelled |" in text
    assert f"## Unlabelled\n\n{counted} pixels count." in text
    assert "![Where nothing was found](unlabelled.png)" in text
    assert {"unlabelled.png", "unlabelled.csv"} <= {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.usefixtures("added")
def test_tables_compare_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = task_of(write_set(tmp_path / "set", (5,)))
    for name in ("a", "b"):
        value = score(task, tmp_path / name)["unlabelled"]
    metrics = tmp_path / "b" / "metrics.json"
    metrics.write_text(json.dumps({**json.loads(metrics.read_text()), "unlabelled": value / 2}))
    rows = compare([tmp_path / "a", tmp_path / "b"])
    assert columns(rows)[-2:] == ["flicker", "unlabelled"]
    assert best(rows)["unlabelled"] == value / 2
    printed = Runner(monkeypatch, capsys).ok("compare", str(tmp_path / "a"), str(tmp_path / "b"))
    assert "unlabelled" in printed
    assert f"{100 * value:.2f}" in printed


@pytest.mark.usefixtures("added")
def test_it_survives_an_interruption(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (4, 3, 3)))
    score(task, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        score(task, tmp_path / "cut", stop_after=8)
    score(task, tmp_path / "cut", resume=True)
    assert snapshot(tmp_path / "cut") == snapshot(tmp_path / "whole")


@pytest.mark.parametrize("before", [True, False])
def test_videos_scored_by_other_metrics_are_scored_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    """Whether the metric has come or gone since."""
    task = task_of(write_set(tmp_path / "set", (4, 3)))

    def entries(*, added: bool) -> dict[str, type[Metric]]:
        return {**dict(METRICS), **({"unlabelled": Unlabelled} if added else {})}

    with monkeypatch.context() as patch:
        patch.setattr(METRICS, "_entries", entries(added=before))
        with pytest.raises(KeyboardInterrupt):
            score(task, tmp_path / "cut", stop_after=5)
    monkeypatch.setattr(METRICS, "_entries", entries(added=not before))
    score(task, tmp_path / "cut", resume=True)
    score(task, tmp_path / "whole")
    assert snapshot(tmp_path / "cut") == snapshot(tmp_path / "whole")
