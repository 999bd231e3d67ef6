"""What is measured in one video."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from openvss.data.make import make
from openvss.data.synthetic.job import RenderOptions
from openvss.evaluation.metrics.base import ScoredFrame
from openvss.evaluation.metrics.catalogue import start_metrics
from openvss.evaluation.metrics.consistency import TemporalConsistency
from openvss.evaluation.video_scores import score_video
from tests.evaluation.sets import Noisy, task_of, write_set


def test_memory_does_not_grow_with_the_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvss.evaluation.metrics.flicker.MOST_STEPS", 64)
    task = task_of(write_set(tmp_path / "set", (2,)))
    metrics = start_metrics(task)
    assert metrics.keys() == {"classes", "consistency", "flicker"}
    rng = np.random.default_rng(0)
    held: dict[int, int] = {}
    for index in range(769):
        labels, prediction = rng.integers(0, 4, (2, 8, 8)).astype(np.uint8)
        for metric in metrics.values():
            metric.update(ScoredFrame(0, index, index > 0, labels, labels, prediction))
        held[index] = len(pickle.dumps(metrics))
    assert held[768] < held[96] + 400  # 48 steps at both, and larger numbers later


def test_the_script_of_vspw_knows_no_protocol(tmp_path: Path) -> None:
    make("vspw", tmp_path / "set", options=RenderOptions(frames=20))
    plain, unseen = (task_of(tmp_path / "set", "vspw", name) for name in ("plain", "vspw-80-44-unseen"))
    found = []
    for task in (plain, unseen):
        metric = score_video(task, Noisy(task.dataset), 0).metrics["consistency"]
        assert isinstance(metric, TemporalConsistency)
        found += metric.videos
    whole, part = found
    assert part.windows["vspw"] == whole.windows["vspw"]
    assert part.windows["paper"] != whole.windows["paper"]
