"""Label flicker."""

from __future__ import annotations

import numpy as np

from openvss.evaluation.metrics.flicker import Flicker


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
