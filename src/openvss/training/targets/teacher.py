"""The frozen snapshot that labels pictures for its successor."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from openvss.models.base import VideoModel
from openvss.models.words import WordEmbeddings
from openvss.segmenting.inputs import input_size, shrink, to_input


class Teacher:
    """Probabilities of every word in single pictures.

    Args:
        model: Is put into eval mode; nothing else is changed.
        words: Embedded by this model.
        size: Short side at which it sees pictures; its own default if None.
    """

    def __init__(self, model: VideoModel, words: WordEmbeddings, size: int | None = None) -> None:
        self.model = model.eval()
        self.words = words
        self.size = size or model.size

    @torch.inference_mode()
    def __call__(self, pixels: npt.NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """(H, W, 3) -> the picture as the model sees it, (1, 3, h, w), and probabilities (N, h', w')."""
        small = shrink(pixels, input_size(pixels.shape[0], pixels.shape[1], self.size))
        picture = to_input(small, self.model.device)
        logits = self._logits(picture)[0].float()
        return picture, logits.sigmoid() if self.model.independent_words else logits.softmax(0)

    def _logits(self, picture: Tensor) -> Tensor:
        """Of a picture that is a video of one frame."""
        features = self.model.encode(picture)
        own = self.model.compact(features)
        context = self.model.summarise(own) if self.model.context_frames(0, 1) else None
        fused, _ = self.model.fuse(features, [own] * len(self.model.references), context)
        return self.model.score(fused, self.words).logits


def fingerprint(model: VideoModel) -> str:
    """Hash of all weights: which snapshot a label comes from."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
