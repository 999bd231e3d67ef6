"""SED: an image-text pair with a pyramid, the cost volume of its coarsest map, and the cost-aware decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.errors import InputError
from openvss.models.base import FrameFeatures, Fused, Memory, Output, VideoContext, VideoModel
from openvss.models.layers.smoothing import smooth, weight_of_past
from openvss.models.stseg.decoder import SEDDecoder
from openvss.models.stseg.loss import Ignored, binary_loss
from openvss.models.words import TextEncoder, WordEmbeddings
from openvss.words.templates import IMAGENET


class PyramidPair(Protocol):
    """An image-text pair that also gives the maps on the way to its dense features.

    The published one has strides 4, 8, 16 and 32; any strides will do that double.
    """

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the maps, finest first."""
        ...

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the maps, finest first."""
        ...

    @property
    def dim(self) -> int:
        """Length of the vectors that images and words share."""
        ...

    @property
    def text(self) -> TextEncoder:
        """Turns phrases into vectors."""
        ...

    def __call__(self, frames: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> maps, finest first."""
        ...

    def project(self, top: Tensor) -> Tensor:
        """The coarsest map, position by position, into the space of the words."""
        ...


class SED(VideoModel):
    """Labels each frame alone.

    Args:
        pair: Its image side is trained, its text side is not.
        square: Side of the square that every frame is squashed to, as the authors do; None keeps its shape
            and only rounds both sides to whole cells.
        topk: Words a position that early rejection keeps at inference; None keeps all.
        rejecting: Share of the steps of training in which it is at work as well, so that the attention among
            words has met what is left of them.
        width: Of the decoder.
        templates: Prompts around each word, kept apart in the cost volume.
        smoothing: Weight of the past, 0..1, where a video stands still; 0 labels each frame alone.
        official: Two habits of the authors' code: pixels without a label are negatives of every word, and
            at inference probabilities, not logits, are brought to full size (confidences then mean nothing).
        rivals: Learns with Eq. 6 as printed, a softmax in which words rival for a pixel, and not yes or no to
            each word.
    """

    size = 640
    attends_across_words = True
    average_templates = False

    def __init__(
        self,
        pair: PyramidPair,
        square: int | None = 768,
        topk: int | None = None,
        rejecting: float = 0.0,
        width: int = 128,
        templates: Sequence[str] = IMAGENET,
        smoothing: float = 0.0,
        official: bool = False,
        rivals: bool = False,
    ) -> None:
        super().__init__()
        self.pair = pair
        self.text = pair.text
        self.templates = tuple(templates)
        self.square = square
        if topk is not None and topk < 1:
            raise InputError(f"topk is a number of words, 1 or more, not {topk}.")
        if not 0 <= rejecting <= 1:
            raise InputError(f"rejecting is a share of the steps, 0 to 1, not {rejecting:g}.")
        self.topk, self.rejecting = topk, rejecting
        self.smoothing = weight_of_past(smoothing)
        self.recurrent = smoothing > 0
        if rivals and (official or rejecting):
            raise InputError("rivals is about the loss of Eq. 6: leave official and rejecting out.")
        self.official = official
        self.independent_words = not rivals
        self.decoder = SEDDecoder(len(self.templates), pair.channels[:-1], width)

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
        Where words rival it is Eq. 6 itself, of the early heads as well.
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
