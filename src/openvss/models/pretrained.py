"""The parts of a model that start from published weights: what training begins with."""

from __future__ import annotations

from torch import nn

from openvss.models.encoders.contract import Pretrained


def load_pretrained(model: nn.Module) -> tuple[str, ...]:
    """Fill backbones and image-text pairs with their published weights; the names of these parts.

    What lies within such a part is the part's own affair.
    """
    names: list[str] = []
    for name, part in model.named_modules():  # the outer before the inner
        inside = any(name.startswith(f"{outer}." if outer else "") for outer in names)
        if isinstance(part, Pretrained) and not inside:
            part.load_pretrained()
            names.append(name)
    return tuple(names)
