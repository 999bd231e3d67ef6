"""Frames that are missing from a video without any other sign of damage, found by the times of the rest."""

from __future__ import annotations

from fractions import Fraction

# A step between two frames is regular within this share of it, for containers that round their times.
ROUNDING = Fraction(1, 4)
# Gaps in one step of so many are missing frames; more of them are how the video was made.
REGULAR_FOR_A_GAP = 20


class Rhythm:
    """The steps between the frames of one video, most of which are equal where the rate is constant."""

    def __init__(self, rate: Fraction | None) -> None:
        self.step = 1 / rate if rate else None
        self._last: Fraction | None = None
        self._number = self._n_regular = self._n_other = 0
        self._gaps: list[tuple[int, Fraction]] = []

    def add(self, time: Fraction) -> None:
        """Take the time of the next frame."""
        if self.step is not None and self._last is not None:
            steps = (time - self._last) / self.step
            if abs(steps - 1) <= ROUNDING:
                self._n_regular += 1
            elif steps >= 2 - ROUNDING:
                self._gaps.append((self._number - 1, self._last))
            else:
                self._n_other += 1
        self._last = time
        self._number += 1

    def gap(self) -> tuple[int, Fraction] | None:
        """Number and time of the frame before the first gap; None if the rate varies, or there is none."""
        is_rare = len(self._gaps) <= max(1, self._n_regular // REGULAR_FOR_A_GAP)
        is_constant = not self._n_other and self._n_regular > 1
        return self._gaps[0] if self._gaps and is_rare and is_constant else None
