"""Label flicker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from openvss.evaluation.metrics.flicker import Flicker, LabelFlicker
from openvss.evaluation.runner import Evaluation
from openvss.evaluation.video_scores import score_video
from tests.evaluation.sets import Noisy, task_of, write_set


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


def test_videos_are_pooled_and_the_worst_are_kept(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (3, 4, 3, 5)))
    whole = Evaluation(task)
    shares: dict[int, float] = {}
    changed = still = 0
    for number, clip in enumerate(task.dataset.clips):
        whole.add(score_video(task, Noisy(task.dataset), number))
        truth = [task.truth(clip, index) for index in range(len(clip.frames))]
        found = [ids for _, ids in Noisy(task.dataset).of(clip)]
        pairs = range(1, len(truth))
        here = [(truth[i] == truth[i - 1]) & (truth[i] != 255) for i in pairs]
        moved = sum(int((here[i - 1] & (found[i] != found[i - 1])).sum()) for i in pairs)
        shares[number] = moved / sum(int(one.sum()) for one in here)
        changed, still = changed + moved, still + sum(int(one.sum()) for one in here)
    metric = whole.metrics["flicker"]
    assert isinstance(metric, LabelFlicker)
    assert metric.compute(task) == {"flicker": changed / still}
    worst = sorted(shares, key=lambda number: -shares[number])[:3]
    assert [one.video for one in metric.worst] == worst
    assert [one.score for one in metric.worst] == pytest.approx([shares[number] for number in worst])
