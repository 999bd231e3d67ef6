"""An upper bound for a toy table: what a model would say if time had no noise and alignment no errors.

The same videos without their disturbance; every frame is seen alone, the log-probabilities of all pixels of a
thing in t-9, t-6, t-3 and t are averaged, and the thing gets the best word. What is one thing, and where it
was, is taken from the ground truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.data.base import Clip, Dataset, Ids
from openvss.data.clips import references_of
from openvss.data.protocol import Protocol
from openvss.models.base import VideoModel
from openvss.video.images import read_image

DISTANCES = (9, 6, 3, 0)


class Oracle:
    """Predictions, as the evaluation takes them.

    Args:
        model: Trained.
        dataset: The disturbed videos.
        clean: The folder of the same videos without disturbance.
        protocol: Of the table.
    """

    def __init__(self, model: VideoModel, dataset: Dataset, clean: Path, protocol: Protocol) -> None:
        self.origin = {"model": None, "predictions": "oracle"}
        self._model, self._dataset, self._clean, self._protocol = model.eval(), dataset, clean, protocol
        self._words = model.embed(dataset.vocabulary)

    def of(self, clip: Clip) -> Iterator[tuple[int, Ids]]:
        """The classes of every frame, with its number."""
        assert None not in clip.labels  # in toy videos every frame is labelled
        truths = [self._dataset.read_label(path) for path in clip.labels if path is not None]
        scores = [self._scores(self._clean / path.relative_to(self._dataset.root)) for path in clip.frames]
        for t, truth in enumerate(truths):
            labels = np.zeros_like(truth)
            seen = (*references_of(t, DISTANCES[:-1]), t)
            for thing in np.unique(truth):
                pixels = [scores[f][:, torch.from_numpy(truths[f] == thing)] for f in seen]
                labels[truth == thing] = int(torch.cat(pixels, dim=1).mean(1).argmax())
            yield t, self._protocol.classes_of_model(labels)

    def name(self, clip: Clip, index: int) -> str:
        """What messages call the prediction of a frame."""
        return str(clip.frames[index])

    @torch.inference_mode()
    def _scores(self, path: Path) -> Tensor:
        """(N, H, W) log-probabilities of a frame that is its own past."""
        frame = torch.from_numpy(read_image(path)).permute(2, 0, 1)[None].float() / 255
        features = self._model.encode(frame)
        own = self._model.compact(features)
        context = self._model.summarise(own) if self._model.context_frames(0, 1) else None
        fused, _ = self._model.fuse(features, [own] * len(self._model.references), context)
        logits = self._model.score(fused, self._words).logits.log_softmax(1)
        return F.interpolate(logits, frame.shape[-2:], mode="bilinear")[0]
