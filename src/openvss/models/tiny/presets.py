"""The preset of the bundled model."""

from __future__ import annotations

from dataclasses import dataclass

from openvss.models.preset import Preset
from openvss.plugs import later


@dataclass(frozen=True)
class TinyOptions:
    """What can be chosen.

    Attributes:
        smoothing: Weight of the past, 0..1, where a video shows what it showed; 0 labels each frame alone.
    """

    smoothing: float = 0.9


PRESETS = {
    "tiny": Preset(
        summary="bundled default, works offline; its memory follows what moves",
        pair="EfficientNet-Lite0 features aligned to MiniLM text",
        options=TinyOptions(),
        builder=later("openvss.models.tiny.model:build"),
        weights="tiny",
    ),
}
