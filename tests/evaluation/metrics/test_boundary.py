import math
from itertools import product

import numpy as np
import pytest

from openvss.evaluation.metrics.boundary import Mask, boundary, boundary_f, dilate


def blob(height: int, width: int, y: int, x: int, radius: float) -> Mask:
    rows, columns = np.ogrid[:height, :width]
    inside: Mask = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
    return inside


def naive_f(truth: Mask, found: Mask) -> float:
    """Every boundary pixel against every other."""
    limit = math.ceil(0.008 * math.hypot(*truth.shape))
    lines = [
        [
            (y, x)
            for y, x in product(range(mask.shape[0]), range(mask.shape[1]))
            if any(
                y + dy < mask.shape[0] and x + dx < mask.shape[1] and mask[y + dy, x + dx] != mask[y, x]
                for dy, dx in ((0, 1), (1, 0), (1, 1))
            )
        ]
        for mask in (truth, found)
    ]
    close = [
        sum(any(math.dist(p, q) <= limit for q in other) for p in line) / len(line)
        for line, other in (lines, lines[::-1])
    ]
    recall, precision = close
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@pytest.mark.parametrize("shift", [0, 1, 2, 3, 6])
def test_equals_all_pairs(shift: int) -> None:
    truth, found = blob(40, 60, 20, 25, 12), blob(40, 60, 20 + shift, 25 + 2 * shift, 11)
    assert boundary_f(truth, found) == pytest.approx(naive_f(truth, found))


def test_the_same_mask_is_perfect_and_a_far_one_worthless() -> None:
    truth = blob(40, 60, 20, 15, 8)
    assert boundary_f(truth, truth) == 1
    assert boundary_f(truth, blob(40, 60, 20, 45, 8)) == 0
    assert boundary_f(truth, np.zeros_like(truth)) == 0


def test_nothing_there_and_nothing_found_has_no_score() -> None:
    empty = np.zeros((20, 20), bool)
    assert math.isnan(boundary_f(empty, empty))


def test_what_fills_the_frame_is_found_as_a_whole_or_not() -> None:
    empty, full = np.zeros((20, 20), bool), np.ones((20, 20), bool)
    assert boundary_f(full, full) == 1
    assert boundary_f(full, empty) == boundary_f(empty, full) == 0


@pytest.mark.parametrize("radius", [0, 1, 3])
def test_dilation_is_a_disc_also_at_the_border(radius: int) -> None:
    line = np.zeros((12, 15), bool)
    line[0, 0] = line[6, 9] = line[11, 14] = True
    expected = np.array(
        [
            [any(math.dist((y, x), q) <= radius for q in ((0, 0), (6, 9), (11, 14))) for x in range(15)]
            for y in range(12)
        ]
    )
    np.testing.assert_array_equal(dilate(line, radius), expected)


def test_the_frame_is_no_boundary() -> None:
    assert not boundary(np.ones((5, 6), bool)).any()
