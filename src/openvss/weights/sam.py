"""Key map of transformers' SAM checkpoints to `models.encoders.sam.Sam`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

# One table of positions, which the network has in two places and files have in either or both.
_TWINS = (
    "shared_image_embedding.positional_embedding",
    "prompt_encoder.shared_embedding.positional_embedding",
)


def sam(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as `SamModel.save_pretrained` writes them, under our names."""
    tables = {twin: state[name] for name in _TWINS if name in state for twin in _TWINS}
    return {f"sam.{name}": value for name, value in ({**state, **tables}).items()}
