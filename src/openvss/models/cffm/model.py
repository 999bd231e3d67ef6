"""CFFM: each frame through SegFormer, then the target's features mined from those of the frames before it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.base import IGNORE, FrameFeatures, Fused, Memory, Output, VideoContext, VideoModel
from openvss.models.cffm.mine import Mine
from openvss.models.cffm.presets import CFFMOptions
from openvss.models.encoders.contract import Backbone
from openvss.models.layers.classifier import Classifier, classifier, weights_of
from openvss.models.layers.mlp_head import MlpHead
from openvss.models.words import TextEncoder, WordEmbeddings
from openvss.words.vocabulary import Vocabulary

# The authors' references of the first frames: none, then ever wider sets.
STARTS = {
    0: (),
    1: (),
    2: (),
    3: (0, 1, 2),
    4: (0, 2, 3),
    5: (0, 2, 4),
    6: (0, 2, 4),
    7: (0, 3, 5),
    8: (0, 3, 6),
}
AUXILIARY = 0.5  # weight of the loss of the frames alone


class CFFM(VideoModel):
    """Coarse-to-fine feature mining.

    Args:
        backbone: Gives the pyramid of a frame.
        words: What it tells apart: a fixed list, or a text encoder for any words.
        options: All the rest; what they name is given ready-made.
    """

    def __init__(self, backbone: Backbone, words: Vocabulary | TextEncoder, options: CFFMOptions) -> None:
        super().__init__()
        if isinstance(words, Vocabulary):
            self.fixed_words = words
        else:
            self.text, self.text_weights = words, weights_of(words)
        o = options
        self.references = o.references if o.layers else ()
        self.static = len(o.geometry.references) if o.layers and not o.references else 0
        self.official = o.official
        if o.official and o.references == (9, 6, 3):
            self.starts = STARTS
        self.backbone = backbone
        self.head = MlpHead(backbone.channels, o.dim)
        self.shrink = max(1, o.stride // backbone.strides[0])
        self.frame_classifier: Classifier = classifier(o.dim, words)
        self.layers = nn.ModuleList(Mine(o.geometry, o.dim, o.heads, o.attend) for _ in range(o.layers))
        self.classifier: Classifier | None = classifier(2 * o.dim, words) if o.layers else None
        if o.official and isinstance(words, Vocabulary):
            self.unread = Unread(o.dim // 2, len(words))

    @property
    def learns(self) -> bool:
        """Whether the frames' own logits are trained; not so where only what comes after is fine-tuned."""
        return self.training and any(p.requires_grad for p in self.frame_classifier.parameters())

    def encode(self, frames: Tensor) -> FrameFeatures:
        fine = self.head(self.backbone(frames))  # F, (B, dim, h, w)
        size = [max(1, side // self.shrink) for side in fine.shape[-2:]]
        mined = F.interpolate(fine, size, mode="bilinear", align_corners=False) if self.shrink > 1 else fine
        return {
            "fine": fine,
            "map": mined.permute(0, 2, 3, 1).contiguous(),
        }

    def compact(self, features: FrameFeatures) -> FrameFeatures:
        return features if self.learns else {"map": features["map"]}

    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None = None,
        memory: Memory | None = None,
    ) -> tuple[Fused, Memory | None]:
        frames = [*references, target]
        fused = {"frames": torch.stack([f["fine"] for f in frames], 1)} if self.learns else {}
        others = [f["map"] for f in references] or [target["map"]] * self.static
        if not others:
            return fused | {"fine": target["fine"]}, None
        mined = target["map"]
        for layer in self.layers:
            mined = layer(mined, others)
        both = torch.cat([target["map"], mined], dim=-1).permute(0, 3, 1, 2)
        batch, _, height, width = target["fine"].shape
        # an empty tensor remembers the size that logits return to
        return fused | {"mined": both, "size": both.new_empty(batch, 0, height, width)}, None

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        if "fine" in fused:
            logits = self.frame_classifier(fused["fine"], words)
        else:
            assert self.classifier is not None
            logits = self.classifier(fused["mined"], words)  # R of the paper
            logits = F.interpolate(logits, fused["size"].shape[-2:], mode="bilinear", align_corners=False)
        if "frames" not in fused or "fine" in fused:
            return Output(logits)
        frames = self.frame_classifier(fused["frames"].flatten(0, 1), words)
        return Output(logits, {"frames": frames.unflatten(0, (len(logits), -1))})

    def loss(self, output: Output, labels: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        """Cross-entropy of the target, and half that of all labelled frames alone."""
        clip = labels[:, None] if labels.ndim == 3 else labels
        terms = {"target": self.cross_entropy(output.logits, clip[:, -1], weights)}
        if "frames" in output.aux:
            alone = output.aux["frames"][:, -clip.shape[1] :]
            frames = self.cross_entropy(alone.flatten(0, 1), clip.flatten(0, 1), weights)
            terms["frames"] = AUXILIARY * frames
        return terms

    def forward(
        self, frames: Tensor, words: WordEmbeddings, context: Tensor | VideoContext | None = None
    ) -> Output:
        """As for every model, but in one batch, so that batch norm sees the whole clips."""
        batch, length = frames.shape[:2]
        if length != len(self.references) + 1:
            raise ValueError(f"a clip has {len(self.references) + 1} frames here, got {length}")
        encoded = {k: x.unflatten(0, (batch, length)) for k, x in self.encode(frames.flatten(0, 1)).items()}
        *references, target = [{k: x[:, i] for k, x in encoded.items()} for i in range(length)]
        summary = None if context is None else self._summarise_batch(context)
        fused, _ = self.fuse(target, [self.compact(r) for r in references], summary)
        return self.score(fused, words)

    def cross_entropy(self, logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
        """Averaged over the labelled pixels; officially over all."""
        logits = F.interpolate(logits, labels.shape[-2:], mode="bilinear", align_corners=False)
        total = F.cross_entropy(logits, labels.long(), weights, ignore_index=IGNORE, reduction="sum")
        counted = labels.numel() if self.official else (labels != IGNORE).sum().clamp(min=1)
        return total / counted


class Unread(nn.Conv2d):
    """The classifier that each head of mmsegmentation is born with, and that CFFM's never reads.

    It counts among the parameters, as published. It is not trained, and no checkpoint holds it.
    """

    def __init__(self, channels: int, n_words: int) -> None:
        super().__init__(channels, n_words, kernel_size=1)
        self.requires_grad_(False)

    def _save_to_state_dict(self, *_: object) -> None: ...

    def _load_from_state_dict(self, *_: object) -> None: ...
