"""Label flicker: predictions that change from one frame to the next although the ground truth does not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from openvss.data.base import Ids

MOST_STEPS = 1000  # even
Counts = npt.NDArray[np.uint32]


class Flicker:
    """Watches one video frame by frame; keeps the last frame, two counts a pixel and a curve.

    Attributes:
        total: (still pixels whose word changed, still pixels) over the whole video. A pixel is still if its
            ground truth counts in both frames of a transition and is the same.
        steps: The same for each transition; in long videos for every 2, 4, 8, ... of them, so that there are
            never more than `MOST_STEPS`.
    """

    def __init__(self, ignore: int) -> None:
        self.total = 0, 0
        self.steps: list[tuple[int, int]] = []
        self._each = 1  # transitions in a step
        self._room = 0  # for how many more the last step has room
        self._changed, self._still = _Tally(), _Tally()
        self._ignore = ignore
        self._last: tuple[Ids, Ids] | None = None

    @property
    def changed(self) -> Counts:
        """(H, W) how often each pixel changed while still."""
        return self._changed.counts

    @property
    def still(self) -> Counts:
        """(H, W) how often it was still."""
        return self._still.counts

    def add(self, truth: Ids, prediction: Ids) -> None:
        """Take the next labelled frame."""
        if self._last is not None:
            still = (truth == self._last[0]) & (truth != self._ignore)
            changed = still & (prediction != self._last[1])
            self._still.add(still)
            self._changed.add(changed)
            self._step(int(np.count_nonzero(changed)), int(np.count_nonzero(still)))
        self._last = truth, prediction

    def skip(self) -> None:
        """The next frame has no ground truth: the one after it starts anew."""
        self._last = None

    def _step(self, changed: int, still: int) -> None:
        self.total = _plus(self.total, (changed, still))
        if not self._room:
            if len(self.steps) == MOST_STEPS:
                self.steps = list(map(_plus, self.steps[::2], self.steps[1::2]))
                self._each *= 2
            self.steps.append((0, 0))
            self._room = self._each
        self.steps[-1] = _plus(self.steps[-1], (changed, still))
        self._room -= 1


class _Tally:
    """How often each pixel was marked: counts in bytes, which is fast, and adds these up before they wrap."""

    def __init__(self) -> None:
        self._counts: Counts = np.zeros((0, 0), np.uint32)
        self._bytes: npt.NDArray[np.uint8] = np.zeros((0, 0), np.uint8)
        self._in_bytes = 0

    def add(self, marked: npt.NDArray[np.bool_]) -> None:
        """Count the marked pixels once more."""
        if not self._bytes.size:
            self._counts, self._bytes = np.zeros(marked.shape, np.uint32), np.zeros(marked.shape, np.uint8)
        if self._in_bytes == 255:
            self._empty()
        self._bytes += marked.view(np.uint8)
        self._in_bytes += 1

    @property
    def counts(self) -> Counts:
        """(H, W)."""
        self._empty()
        return self._counts

    def _empty(self) -> None:
        self._counts += self._bytes
        self._bytes.fill(0)
        self._in_bytes = 0


def _plus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]
