"""The parts of a model that start from published weights: what training begins with."""

from __future__ import annotations

from torch import nn

from openvss.models.encoders.contract import Pretrained


def pretrained_parts(model: nn.Module) -> dict[str, nn.Module]:
    """Backbones and image-text pairs by name.

    What lies within such a part is the part's own affair.
    """
    found: dict[str, nn.Module] = {}
    for name, part in model.named_modules():  # the outer before the inner
        inside = any(name.startswith(f"{outer}." if outer else "") for outer in found)
        if not inside and isinstance(part, Pretrained):
            assert isinstance(part, nn.Module)
            found[name] = part
    return found


def load_pretrained(model: nn.Module) -> tuple[str, ...]:
    """Fill backbones and image-text pairs with their published weights; the names of these parts."""
    parts = pretrained_parts(model)
    for part in parts.values():
        assert isinstance(part, Pretrained)
        part.load_pretrained()
    return tuple(parts)
