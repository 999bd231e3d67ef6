"""The contract that every model implements: one definition serves streaming, evaluation and training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.fixed_words import choose
from openvss.models.words import TextEncoder, WordEmbeddings, embed
from openvss.words.vocabulary import Vocabulary

IGNORE = 255

FrameFeatures = dict[str, Tensor]  # what a model knows of frames seen alone; each tensor is (B, ...)
VideoContext = dict[str, Tensor]  # summary of distant frames
Fused = dict[str, Tensor]  # target in its context, still independent of words
Memory = dict[str, Tensor]  # what a recurrent model carries from frame to frame


@dataclass(frozen=True)
class Output:
    """Scores of a batch of target frames.

    Attributes:
        logits: (B, N, h, w) at the model's own resolution.
        aux: Auxiliary logits that the loss of some models needs; empty at inference.
    """

    logits: Tensor
    aux: dict[str, Tensor] = field(default_factory=dict)


class VideoModel(nn.Module, ABC):
    """Encode each frame alone, fuse a target with its references and context, score the result against words.

    Attributes:
        references: How far back to look, in frames of 1/15 s, farthest first; () for image models.
        starts: Frames of the video that its first frames look at, where a model has a rule of its own for
            them; otherwise the earliest frame is repeated.
        text: Turns phrases into vectors; None for models whose words are fixed.
        fixed_words: The words of a closed-set model, which has a classifier for each; users may select among
            them.
        templates: Prompts around each phrase.
        average_templates: Whether `words` has one vector for each label, or one for each template.
        size: Default length of the short side of the input.
        edge_aware: Whether labels are sharpened along the edges of the frame (`openvss.engines.edges`).
        attends_across_words: Whether adding a word may change the logits of the others.
        independent_words: Whether a logit says yes or no to its word (sigmoid), not which it is (softmax).
        recurrent: Whether `fuse` returns a memory that the next frame needs, so that no frame can be skipped.
        weights_sha256: Hash of the weights that were loaded; None if there were none.
    """

    references: tuple[int, ...] = ()
    starts: Mapping[int, tuple[int, ...]] = MappingProxyType({})
    text: TextEncoder | None = None
    fixed_words: Vocabulary | None = None
    templates: tuple[str, ...] = ("{}",)
    average_templates: bool = True
    size: int = 480
    edge_aware: bool = False
    attends_across_words: bool = False
    independent_words: bool = False
    recurrent: bool = False
    weights_sha256: str | None = None

    @abstractmethod
    def encode(self, frames: Tensor) -> FrameFeatures:
        """Features of each frame alone, from (B, 3, H, W) RGB in 0..1. Streaming caches them."""

    def compact(self, features: FrameFeatures) -> FrameFeatures:
        """The part of `features` that is still needed once the frame is only a reference.

        Here all of it, or nothing if no later frame looks back.
        """
        return features if self.references or self.context_frames(0, 1) else {}

    def encode_reference(self, frames: Tensor) -> FrameFeatures:
        """What `compact(encode(frames))` gives; a model that can compute it more cheaply overrides this."""
        return self.compact(self.encode(frames))

    def encode_context(self, frames: Tensor) -> FrameFeatures:
        """What `summarise` needs of frames; a model that needs less than for a reference overrides this."""
        return self.encode_reference(frames)

    def context_frames(self, t: int, n_frames: int) -> list[int]:
        """Which of `n_frames` frames, 1/15 s apart, to summarise for target `t`; empty if it uses none."""
        del t, n_frames
        return []

    def summarise(self, features: FrameFeatures) -> VideoContext:
        """Features of K frames of one video, stacked on the batch axis -> context for a batch of one."""
        raise TypeError(f"{type(self).__name__} uses no context frames, got {len(features)} maps")

    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None = None,
        memory: Memory | None = None,
    ) -> tuple[Fused, Memory | None]:
        """Put the target in its context. `references` has one entry per `self.references`, farthest first.

        Here for image models: the target stays as it is.
        """
        if self.references:
            raise TypeError(f"{type(self).__name__} has references and does not say how it uses them")
        return target, None

    @abstractmethod
    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        """Logits of every word at every position."""

    def loss(self, output: Output, labels: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        """Named terms to be summed; here cross-entropy, averaged over the labelled pixels.

        With weights it is Eq. 6 of STSeg, but for the constant 1/N.

        Args:
            output: Of `forward`.
            labels: Ids at full resolution: (B, H, W) of the target, or (B, T, H, W) of the whole clip in the
                order of its frames, where frames without labels are `IGNORE` throughout.
            weights: How much each word counts, (N,); None counts all alike.
        """
        if labels.ndim == 4:
            labels = labels[:, -1]
        logits = F.interpolate(output.logits, labels.shape[-2:], mode="bilinear", align_corners=False)
        total = F.cross_entropy(logits, labels.long(), weights, ignore_index=IGNORE, reduction="sum")
        return {"loss": total / (labels != IGNORE).sum().clamp(min=1)}

    def forward(
        self, frames: Tensor, words: WordEmbeddings, context: Tensor | VideoContext | None = None
    ) -> Output:
        """A batch of clips (B, T, 3, H, W), references then target, and context.

        The context is frames (B, K, 3, H, W), or what `summarise` has made of some, stacked.
        """
        if frames.shape[1] != len(self.references) + 1:
            raise ValueError(f"a clip has {len(self.references) + 1} frames here, got {frames.shape[1]}")
        references = encode_clips(self.encode_reference, frames[:, :-1])
        summary = None if context is None else self._summarise_batch(context)
        fused, _ = self.fuse(self.encode(frames[:, -1]), references, summary)
        return self.score(fused, words)

    def embed(self, vocabulary: Vocabulary) -> WordEmbeddings:
        """Embed a vocabulary with this model's text encoder, on this model's device.

        The embeddings of a closed-set model are (N, 1, all its words), one at the label's word: `score` picks
        its logits with `fixed_words.select`.
        """
        if self.fixed_words is not None:
            return WordEmbeddings(vocabulary.names, choose(vocabulary, self.fixed_words).to(self.device))
        if self.text is None:
            raise TypeError(f"{type(self).__name__} has neither a text encoder nor words of its own")
        words = embed(vocabulary, self.text, self.templates, average=self.average_templates)
        return WordEmbeddings(words.names, words.embeddings.to(self.device))

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.parameters()).device

    def _summarise_batch(self, context: Tensor | VideoContext) -> VideoContext:
        if isinstance(context, dict):
            return context
        # the clips take the places of a clip: `summarise` wants the frames of one video together
        videos = encode_clips(self.encode_context, context.transpose(0, 1))
        each = [self.summarise(features) for features in videos]
        return {name: torch.cat([summary[name] for summary in each]) for name in each[0]}


def encode_clips(encode: Callable[[Tensor], FrameFeatures], clips: Tensor) -> list[FrameFeatures]:
    """All frames of clips (B, T, 3, H, W) in one pass.

    In training, batch norm then sees all of them at once, and not those of each place by themselves.

    Returns:
        For each of the T places the features of its B frames.
    """
    batch, places = clips.shape[:2]
    if not places:
        return []
    features = encode(clips.transpose(0, 1).flatten(0, 1))
    return [
        {name: x[place * batch : (place + 1) * batch] for name, x in features.items()}
        for place in range(places)
    ]
