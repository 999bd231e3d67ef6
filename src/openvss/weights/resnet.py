"""Key map of ResNet: from transformers' checkpoints to `encoders.resnet.ResNet`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from openvss.weights.renaming import Rule, rename


def resnet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The backbone's weights; the ImageNet classifier on top is left out."""
    return rename(state, _TRANSFORMERS)


_TRANSFORMERS = [
    Rule(r"(?:resnet\.)?((?:embedder|encoder)\..*)", (r"model.\1",)),
    Rule(r"classifier\..*", ()),
]
