"""Boundary F of one object in one frame, as the DAVIS benchmark defines it.

    F = 2 P R / (P + R)

P is the share of the predicted boundary that lies close to the true one, R the share of the true boundary
that lies close to the predicted one; close means at most 0.8 % of the frame's diagonal, rounded up to whole
pixels.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
TOLERANCE = 0.008  # of the diagonal


def boundary_f(truth: Mask, found: Mask) -> float:
    """Fraction 0..1; nan if the object is nowhere and was found nowhere.

    An object that fills the frame has no boundary: it is then found as a whole (1) or not (0).
    """
    if not (truth.any() or found.any()):
        return math.nan
    true_line, found_line = boundary(truth), boundary(found)
    if not (true_line.any() or found_line.any()):
        return float(np.array_equal(truth, found))
    radius = math.ceil(TOLERANCE * math.hypot(*truth.shape))
    precision = _share(found_line, dilate(true_line, radius))
    recall = _share(true_line, dilate(found_line, radius))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary(mask: Mask) -> Mask:
    """Pixels that differ from the one to the right, the one below or the one between those."""
    line = np.zeros_like(mask)
    line[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    line[:-1] |= mask[:-1] ^ mask[1:]
    line[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return line


def dilate(line: Mask, radius: int) -> Mask:
    """All pixels within `radius` of a pixel of the line."""
    height, width = line.shape
    seen = np.pad(line, radius).astype(np.int32)
    before = np.pad(seen.cumsum(axis=1), ((0, 0), (1, 0)))  # pixels of the line to the left of each column
    near = np.zeros_like(line)
    for dy in range(-radius, radius + 1):
        reach = math.isqrt(radius * radius - dy * dy)
        rows = before[radius + dy : radius + dy + height]
        right = rows[:, radius + reach + 1 : radius + reach + 1 + width]
        near |= right > rows[:, radius - reach : radius - reach + width]
    return near


def _share(line: Mask, near: Mask) -> float:
    total = int(np.count_nonzero(line))
    return int(np.count_nonzero(line & near)) / total if total else 0.0
