"""What is measured in one video."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from openvss.data import synthetic
from openvss.evaluation.meter import _Meter, score_video
from tests.evaluation.sets import Noisy, task_of, write_set

NOT_COUNTS = ("_task", "_clip", "_hash")


def test_memory_does_not_grow_with_the_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvss.evaluation.metrics.flicker.MOST_STEPS", 64)
    task = task_of(write_set(tmp_path / "set", (1,)))
    meter = _Meter(task, task.dataset.clips[0], 0)
    rng = np.random.default_rng(0)
    held: dict[int, int] = {}
    for index in range(769):
        labels, prediction = rng.integers(0, 4, (2, 8, 8)).astype(np.uint8)
        meter.add(index, labels, prediction)
        held[index] = len(pickle.dumps({k: v for k, v in vars(meter).items() if k not in NOT_COUNTS}))
    assert held[768] < held[96] + 400  # 48 steps at both, and larger numbers later


def test_the_script_of_vspw_knows_no_protocol(tmp_path: Path) -> None:
    synthetic.make("vspw", tmp_path / "set", options=synthetic.RenderOptions(frames=20))
    plain, unseen = (task_of(tmp_path / "set", "vspw", name) for name in ("plain", "vspw-80-44-unseen"))
    whole, part = (score_video(task, Noisy(task.dataset), 0).consistency for task in (plain, unseen))
    assert part.windows["vspw"] == whole.windows["vspw"]
    assert part.windows["paper"] != whole.windows["paper"]
