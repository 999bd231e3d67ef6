"""The cost-aware decoder (CAD, SED's gradual fusion): from the cost volume to logits at stride 4."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from openvss.models.layers.cosine import cost_volume
from openvss.models.stseg.early import REJECTED, keep_best
from openvss.models.stseg.stage import DecoderPart, DecoderStage

MEGABYTE = 1 << 18  # floats
PRIOR = -4.0  # logit that the heads start at: 2 %


class SEDDecoder(nn.Module):
    """Three stages, each of half the width and twice the resolution of the one before.

    Words share all weights. What is convolution treats each word alone and is done part by part; attention
    needs of the other words only a sum, so that nothing of the size words x full resolution ever exists.

    Args:
        templates: Prompts a word.
        skips: Channels of the image's maps at strides 4, 8 and 16.
        width: Of the first stage.
        workspace: Megabytes that the words in work at once may take; it changes no result.
    """

    def __init__(
        self,
        templates: int = 80,
        skips: Sequence[int] = (128, 256, 512),
        width: int = 128,
        workspace: int = 256,
    ) -> None:
        super().__init__()
        self.workspace = workspace * MEGABYTE
        widths = [width >> i for i in range(len(skips))]
        # Of one word at one position of the coarse grid, in the last stage, which takes most: three and a
        # half of its widths on a grid eight times as fine.
        self.floats = 7 * widths[-1] * 4 ** len(skips) // 2
        guides = [templates, *(w // 4 for w in widths)]
        self.embed = nn.Conv2d(templates, width, 7, padding=3)
        self.stages = nn.ModuleList(
            DecoderStage(w, s, g) for w, s, g in zip(widths, reversed(skips), guides, strict=False)
        )
        self.early = nn.ModuleList(_head(w) for w in widths)
        self.head = _head(widths[-1] // 2)

    def forward(
        self, dense: Tensor, skips: Sequence[Tensor], embeddings: Tensor, topk: int | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Logits of every word.

        Args:
            dense: F_cv, (B, D, h, w).
            skips: The image's maps at 8, 4 and 2 times that resolution. No gradient flows into them.
            embeddings: (N, P, D).
            topk: Words kept for each position by early rejection, of the only image; None keeps all.

        Returns:
            Logits (B, N, 8h, 8w), and in training those of the early heads at 1, 2 and 4 times h, w.
        """
        parts = [self._start(dense, embeddings, ids) for ids in self._parts(dense, len(embeddings))]
        early: list[Tensor] = []
        for number, (stage, skip) in enumerate(zip(self.stages, reversed(skips), strict=True)):
            left = sum(len(part.ids) for part in parts)
            kept = left if topk is None else min(topk, left)
            if self.training or kept < left:
                scores = self._early(number, parts)
                if self.training:
                    early.append(_of_all(scores, parts, len(embeddings)))
                if kept < left:
                    parts = keep_best(parts, scores, kept)
            raised = stage(parts, skip.detach())
            if number < len(self.stages) - 1:
                parts = list(raised)
        batch, _, h, w = dense.shape
        scale = 1 << len(self.stages)
        logits = dense.new_full((batch, len(embeddings), scale * h, scale * w), REJECTED)
        for part in raised:
            logits = logits.index_copy_(1, part.ids, _each(self.head, part.x))
        return logits, early

    def _start(self, dense: Tensor, embeddings: Tensor, ids: Tensor) -> DecoderPart:
        cost = cost_volume(dense, embeddings[ids][None])  # Eq. 5
        return DecoderPart(ids, self.embed(cost.flatten(0, 1)).unflatten(0, cost.shape[:2]), cost)

    def _early(self, number: int, parts: list[DecoderPart]) -> Tensor:
        """(B, n, h, w). The heads learn to foresee the result, they do not shape the features."""
        return torch.cat([_each(self.early[number], part.x.detach()) for part in parts], dim=1)

    def _parts(self, dense: Tensor, n: int) -> list[Tensor]:
        positions = dense.shape[0] * dense.shape[-2] * dense.shape[-1]
        words = max(1, self.workspace // (self.floats * positions))
        return list(torch.arange(n, device=dense.device).split(words))


def _head(width: int) -> nn.Conv2d:
    """A head that says no to begin with, as nearly every word is absent at a pixel.

    Started at one half it has to learn "no" first, which it does with positive features. "Yes" is then all
    features at zero, and its logit the bias: one ceiling for all words, at which they tie.
    """
    head = nn.Conv2d(width, 1, 3, padding=1)
    assert head.bias is not None
    nn.init.constant_(head.bias, PRIOR)
    return head


def _of_all(scores: Tensor, parts: list[DecoderPart], n: int) -> Tensor:
    """Scores of the words that are left, (B, n', h, w), among those of all n."""
    if scores.shape[1] == n:
        return scores
    everything = scores.new_full((scores.shape[0], n, *scores.shape[2:]), REJECTED)
    return everything.index_copy(1, torch.cat([part.ids for part in parts]), scores)


def _each(head: nn.Module, x: Tensor) -> Tensor:
    """A head of one channel on every word: (B, n, C, h, w) -> (B, n, h, w)."""
    scores: Tensor = head(x.flatten(0, 1))
    return scores[:, 0].unflatten(0, x.shape[:2])
