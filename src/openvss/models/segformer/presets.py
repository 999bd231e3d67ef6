"""The presets of SegFormer."""

from __future__ import annotations

from dataclasses import dataclass

from openvss.models.preset import Preset
from openvss.plugs import later


@dataclass(frozen=True)
class SegFormerOptions:
    """What can be chosen.

    Attributes:
        backbone: By name.
        words: The fixed list: a built-in one's name, or the words themselves.
        text: In place of the list, what reads any words: `minilm`, or the text side of an image-text pair.
        dim: Width of the decoder; 256 here and in CFFM's comparison, 768 in SegFormer's own B2 to B5.
    """

    backbone: str = "mit-b1"
    words: str = "vspw"
    text: str | None = None
    dim: int = 256


PRESETS = {
    f"segformer-{size}": Preset(
        summary="closed set; MiT and SegFormer's head, each frame alone",
        pair="-",
        options=SegFormerOptions(backbone=f"mit-{size}"),
        builder=later("openvss.models.segformer.model:build"),
        keys=later("openvss.models.segformer.keys:segformer"),
    )
    for size in ("b0", "b1", "b2", "b3", "b4", "b5")
}
