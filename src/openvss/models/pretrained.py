"""The parts of a model that start from published weights: what training begins with."""

from __future__ import annotations

from torch import nn

from openvss.models.encoders.contract import Pretrained


def load_pretrained(model: nn.Module) -> tuple[str, ...]:
    """Fill backbones and image-text pairs with their published weights; the names of these parts."""
    parts = {name: part for name, part in model.named_modules() if isinstance(part, Pretrained)}
    for part in parts.values():
        part.load_pretrained()
    return tuple(parts)
