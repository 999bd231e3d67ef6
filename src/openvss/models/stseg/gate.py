"""The gate of self-training: which words the model is sure enough of to prompt SAM with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

SMALLEST = 64 / 192**2  # 64 pixels of the published map
BEST = 64 / 192**2  # "best" averages over as many


@dataclass(frozen=True)
class Gate:
    """A word passes if the model is confident of it and sees enough of it.

    Attributes:
        threshold: Of the confidence.
        score: Confidence of a word: the "highest" probability at any position, the mean of the "best"
            positions, or the mean of the whole "mask", which turns away nearly every word that was not
            trained on.
        smallest: The share of the picture where the word must be more likely than not.
    """

    threshold: float = 0.9
    score: Literal["highest", "best", "mask"] = "highest"
    smallest: float = SMALLEST

    def confidence(self, probabilities: Tensor) -> Tensor:
        """(N, h, w) -> (N,)."""
        flat = probabilities.flatten(1)
        if self.score == "highest":
            return flat.amax(1)
        if self.score == "best":
            return flat.topk(max(1, round(BEST * flat.shape[1])), dim=1).values.mean(1)
        mask = flat > 0.5
        return (flat * mask).sum(1) / mask.sum(1).clamp(min=1)

    def passing(self, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """Ids of the words that pass, and their confidences, from (N, h, w)."""
        confidence = self.confidence(probabilities)
        large = (probabilities > 0.5).flatten(1).float().mean(1) >= self.smallest
        ids = ((confidence > self.threshold) & large).nonzero()[:, 0]
        return ids, confidence[ids]
