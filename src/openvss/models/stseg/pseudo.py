"""The auxiliary branch: the model's masks pass the gate, a region prior refines them, they become labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.stseg.gate import Gate

UNLABELLED = -1
DEFAULT_GATE = Gate()
NOWHERE = -30.0  # a logit of a mask that is empty


@dataclass(frozen=True)
class Sight:
    """A picture as its masks are made from it, RGB in 0..1.

    Attributes:
        whole: (1, 3, H, W), as it came.
        small: (1, 3, h, w), as the model saw it.
    """

    whole: Tensor
    small: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """H and W."""
        return self.whole.shape[-2], self.whole.shape[-1]


# What a prior does: a picture and the logits (n, h, w) of the masks that passed, 0 where a pixel is as likely
# in as out, become refined logits (n, h', w').
Prior = Callable[[Sight, Tensor], Tensor]


@dataclass(frozen=True)
class PseudoLabel:
    """Labels of one picture that a model made.

    Attributes:
        ids: (H, W) word ids, `UNLABELLED` where no word that passed covers the pixel.
        before: The same from the model's own masks.
        words: Ids of the words that passed the gate.
        confidence: Of each.
        drifted: For each, whether the refined mask was turned away for being another one.
    """

    ids: Tensor
    before: Tensor
    words: Tensor
    confidence: Tensor
    drifted: Tensor


@dataclass(frozen=True)
class Refinement:
    """How masks become labels.

    Attributes:
        gate: Which words count.
        prior: What refines their masks; None takes them as they are.
        same: A refined mask whose overlap (IoU) with the model's is less than this shows something else.
        drop: Whether such a word is dropped; otherwise it keeps the model's mask.
    """

    gate: Gate = DEFAULT_GATE
    prior: Prior | None = None
    same: float = 0.5
    drop: bool = False

    @torch.no_grad()
    def __call__(self, sight: Sight, probabilities: Tensor) -> PseudoLabel:
        """(N, h', w') probabilities of a picture -> its labels."""
        words, confidence = self.gate.passing(probabilities)
        own = probabilities[words].clamp(1e-6, 1 - 1e-6).logit()
        if self.prior is None or not len(words):
            refined, drifted = own, torch.zeros(len(words), dtype=torch.bool, device=own.device)
        else:
            refined = self.prior(sight, own)
            own_there = _resize(own, (refined.shape[-2], refined.shape[-1]))
            drifted = overlap(refined > 0, own_there > 0) < self.same
            instead = torch.full_like(own_there, NOWHERE) if self.drop else own_there
            refined = torch.where(drifted[:, None, None], instead, refined)
        return PseudoLabel(
            merge(refined, words, confidence, sight.size), merge(own, words, confidence, sight.size),
            words, confidence, drifted,
        )  # fmt: skip


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """IoU of masks (n, h, w), pair by pair; 0 where both are empty."""
    return (a & b).sum((1, 2)) / (a | b).sum((1, 2)).clamp(min=1)


def merge(logits: Tensor, words: Tensor, confidence: Tensor, size: tuple[int, int]) -> Tensor:
    """Masks (n, h, w) -> (H, W) ids: of overlapping masks the largest sigmoid(logit) x confidence wins."""
    if not len(words):
        return torch.full(size, UNLABELLED, device=logits.device)
    wide = _resize(logits, size)
    score = wide.sigmoid() * confidence[:, None, None]
    best = score.masked_fill(wide <= 0, -1.0).max(0)
    return words[best.indices].masked_fill(best.values < 0, UNLABELLED)


def _resize(logits: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(logits[None], size, mode="bilinear", align_corners=False)[0]
