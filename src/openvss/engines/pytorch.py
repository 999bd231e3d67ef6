"""PyTorch runs any `VideoModel`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from openvss.engines.device import check_precision, choose_device, computing, describe
from openvss.engines.edges import reading_places
from openvss.engines.inputs import shrink, to_input
from openvss.engines.labelling import label_pixels
from openvss.engines.names import Name, Precision
from openvss.models.base import FrameFeatures, Fused, Memory, VideoContext, VideoModel
from openvss.models.rest import Rest
from openvss.models.words import WordEmbeddings
from openvss.video.labelmap import Labels


class TorchEngine:
    """An `Engine` around a model.

    Args:
        model: Is moved to the device.
        device: "auto", "cpu", "cuda", ...
        precision: Of the model's computation.
    """

    name: Name = "torch"

    def __init__(self, model: VideoModel, device: str, precision: Precision) -> None:
        self.device = choose_device(device)
        check_precision(precision, self.device)
        self.model, self.precision = model.eval().to(self.device), precision

    @property
    def kind(self) -> str:
        return self.device.type

    def describe(self) -> str:
        return describe(self.device)

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}

    def shrink(self, pixels: npt.NDArray[np.uint8], size: tuple[int, int]) -> Tensor:
        return shrink(pixels, size)

    @torch.inference_mode()
    def encode(self, image: Tensor) -> FrameFeatures:
        with computing(self.precision, self.device):
            return self.model.encode(to_input(image, self.device))

    def compact(self, features: FrameFeatures) -> FrameFeatures:
        return self.model.compact(features)

    @torch.inference_mode()
    def encode_reference(self, image: Tensor) -> FrameFeatures:
        with computing(self.precision, self.device):
            return self.model.encode_reference(to_input(image, self.device))

    @torch.inference_mode()
    def summarise(self, each: Sequence[FrameFeatures]) -> VideoContext:
        stacked = {name: torch.cat([features[name] for features in each]) for name in each[0]}
        with computing(self.precision, self.device):
            return self.model.summarise(stacked)

    @torch.inference_mode()
    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None,
        memory: Memory | None,
    ) -> tuple[Fused, Memory | None]:
        with computing(self.precision, self.device):
            return self.model.fuse(target, references, context, memory)

    @torch.inference_mode()
    def score(self, fused: Fused, words: WordEmbeddings) -> Tensor:
        with computing(self.precision, self.device):
            return self.model.score(fused, words).logits[0].float()

    @torch.inference_mode()
    def label(
        self,
        logits: Tensor,
        rest: Rest | None,
        pixels: npt.NDArray[np.uint8],
        half: tuple[int, int],
        unlabelled_below: float,
    ) -> tuple[Labels, npt.NDArray[np.float32]]:
        if rest is not None:
            logits = rest.join(logits)
        places = None
        if self.model.edge_aware:
            image = to_input(shrink(pixels, half), self.device)
            places = reading_places(image, (logits.shape[-2], logits.shape[-1]))
        return label_pixels(logits, (pixels.shape[0], pixels.shape[1]), unlabelled_below, places)

    def to_numpy(self, logits: Tensor) -> npt.NDArray[np.float32]:
        return logits.cpu().numpy()
