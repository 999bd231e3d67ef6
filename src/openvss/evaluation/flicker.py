"""Label flicker: predictions that change from one frame to the next although the ground truth does not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from openvss.data.base import Ids

Counts = npt.NDArray[np.uint16]


class Flicker:
    """Watches one video frame by frame; keeps the last frame and two counts a pixel.

    Attributes:
        steps: For each transition, (still pixels whose word changed, still pixels). A pixel is still if its
            ground truth counts in both frames and is the same.
        changed: (H, W) how often each pixel changed while still.
        still: (H, W) how often it was still.
    """

    def __init__(self, ignore: int) -> None:
        self.steps: list[tuple[int, int]] = []
        self.changed: Counts = np.zeros((0, 0), dtype=np.uint16)
        self.still: Counts = np.zeros((0, 0), dtype=np.uint16)
        self._ignore = ignore
        self._last: tuple[Ids, Ids] | None = None

    def add(self, truth: Ids, prediction: Ids) -> None:
        """Take the next labelled frame."""
        if self._last is not None:
            if not self.steps:
                self.changed, self.still = (np.zeros(truth.shape, dtype=np.uint16) for _ in range(2))
            still = (truth == self._last[0]) & (truth != self._ignore)
            changed = still & (prediction != self._last[1])
            self.still += still
            self.changed += changed
            self.steps.append((int(np.count_nonzero(changed)), int(np.count_nonzero(still))))
        self._last = truth, prediction

    def skip(self) -> None:
        """The next frame has no ground truth: the one after it starts anew."""
        self._last = None

    @property
    def total(self) -> tuple[int, int]:
        """Both counts of `steps` over the whole video."""
        return sum(changed for changed, _ in self.steps), sum(still for _, still in self.steps)
