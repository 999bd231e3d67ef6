"""SED: an image-text pair with a pyramid, the cost volume of its coarsest map, and the cost-aware decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.base import FrameFeatures, Fused, Memory, Output, VideoContext, VideoModel
from openvss.models.encoders.contract import PyramidPair
from openvss.models.encoders.pairs import pyramid
from openvss.models.layers.memory import smooth
from openvss.models.stseg.decoder import SEDDecoder
from openvss.models.stseg.loss import Ignored, binary_loss
from openvss.models.stseg.presets import SEDOptions
from openvss.models.words import WordEmbeddings
from openvss.words.templates import TEMPLATES


class SED(VideoModel):
    """Labels each frame alone.

    Args:
        pair: Its image side is trained, its text side is not.
        options: All the rest; that it names the pair does not matter here.
    """

    size = 640
    attends_across_words = True
    average_templates = False

    def __init__(self, pair: PyramidPair, options: SEDOptions) -> None:
        super().__init__()
        self.pair = pair
        self.text = pair.text
        o = options
        self.templates = TEMPLATES[o.templates]
        self.square, self.topk, self.rejecting = o.square, o.topk, o.rejecting
        self.smoothing, self.recurrent = o.smoothing, o.smoothing > 0
        self.official, self.independent_words = o.official, not o.rivals
        self.decoder = SEDDecoder(len(self.templates), pair.channels[:-1], o.width, o.workspace)

    def encode(self, frames: Tensor) -> FrameFeatures:
        *skips, top = self.pair(self._fit(frames))
        return {"dense": self.pair.project(top)} | {f"skip{i}": skip for i, skip in enumerate(skips)}

    def compact(self, features: FrameFeatures) -> FrameFeatures:
        return {}

    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None = None,
        memory: Memory | None = None,
    ) -> tuple[Fused, Memory | None]:
        if not self.recurrent:
            return target, None
        dense = smooth(F.normalize(target["dense"], dim=1), (memory or {}).get("dense"), self.smoothing)
        return target | {"dense": dense}, {"dense": dense}

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        skips = [fused[f"skip{i}"] for i in range(len(self.decoder.stages))]
        topk = self.topk if self._rejects() else None
        size = len(fused["dense"]) if topk is None else 1  # each image keeps words of its own
        each = zip(fused["dense"].split(size), *(skip.split(size) for skip in skips), strict=True)
        done = [self.decoder(one, some, words.embeddings, topk) for one, *some in each]
        logits = torch.cat([logits for logits, _ in done])
        early = zip(*(early for _, early in done), strict=True)
        aux = {f"early{i}": torch.cat(scores) for i, scores in enumerate(early)}
        if self.official and not self.training:
            logits = logits.sigmoid()
        return Output(logits, aux)

    def _rejects(self) -> bool:
        """Always at inference, in a share of the steps of training."""
        return not self.training or (self.rejecting > 0 and bool(torch.rand(()) < self.rejecting))

    def loss(self, output: Output, labels: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        """Binary cross-entropy of the result and of the early heads.

        With weights, Eq. 6 for yes or no: that of a word counts for both, pixels without a label never count.
        Where words compete it is Eq. 6 itself, of the early heads as well.
        """
        ignored: Ignored = "negative" if self.official and weights is None else "left out"
        if labels.ndim == 4:
            labels = labels[:, -1]
        terms = {"loss": output.logits} | output.aux
        if not self.independent_words:
            each = {
                name: VideoModel.loss(self, Output(logits), labels, weights) for name, logits in terms.items()
            }
            return {name: found["loss"] for name, found in each.items()}
        return {name: binary_loss(logits, labels, ignored, weights) for name, logits in terms.items()}

    def _fit(self, frames: Tensor) -> Tensor:
        """The frames at a size that the pyramid divides evenly."""
        h, w = frames.shape[-2:]
        stride = self.pair.strides[-1]
        size = (-(-h // stride) * stride, -(-w // stride) * stride)
        if self.square is not None:
            size = (self.square, self.square)
        if (h, w) == size:
            return frames
        return F.interpolate(frames, size, mode="bilinear", align_corners=False)


def build(options: SEDOptions) -> SED:
    """The model without trained weights."""
    return SED(pyramid(options.pair), options)
