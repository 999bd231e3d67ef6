"""The names of the features that OV2VSS keeps of a frame: `FrameFeatures` is flat.

`u0`, `u1`, ... are the maps U^l, finest first. `p0.0` ... `p0.3` are the four pooled maps of the first scale,
and so on. `dense` is F^V.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from openvss.models.base import FrameFeatures
from openvss.models.layers.resize import size_of
from openvss.models.ov2vss.chain import View
from openvss.models.ov2vss.pooling import MULTIPLES, pool, pooled_grids


def frame_features(us: Sequence[Tensor], stride: int, finest: int) -> FrameFeatures:
    """Maps, of which the finest has `stride`, and their pooled forms, the finest of stride `finest`."""
    height, width = (side * stride for side in size_of(us[0]))
    grids = pooled_grids(height, width, finest)
    return {f"u{i}": u for i, u in enumerate(us)} | pack([pool(u, grids) for u in us])


def pack(scales: Sequence[Sequence[Tensor]]) -> dict[str, Tensor]:
    """Pooled maps of all scales, by name."""
    return {f"p{i}.{k}": x for i, pooled in enumerate(scales) for k, x in enumerate(pooled)}


def unpack(features: dict[str, Tensor]) -> list[list[Tensor]]:
    """Pooled maps of all scales, finest first."""
    count = sum(name.startswith("p") for name in features) // len(MULTIPLES)
    return [[features[f"p{i}.{k}"] for k in range(len(MULTIPLES))] for i in range(count)]


def maps(features: FrameFeatures) -> list[Tensor]:
    """U of all scales, finest first."""
    return [features[f"u{i}"] for i in range(sum(name.startswith("u") for name in features))]


def views(features: FrameFeatures) -> list[View]:
    """All scales as the chain takes them; without maps where the frame has been compacted."""
    return [View(pooled, features.get(f"u{i}")) for i, pooled in enumerate(unpack(features))]
