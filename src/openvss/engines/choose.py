"""Which engine runs a model. Importing this needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openvss.engines.contract import Engine
from openvss.engines.names import Precision
from openvss.engines.onnx import OnnxEngine

if TYPE_CHECKING:
    from openvss.models.base import VideoModel


def engine_for(model: VideoModel | Engine, device: str, precision: Precision) -> Engine:
    """The engine of a model; an engine is taken as it is."""
    if isinstance(model, OnnxEngine):
        return model
    from openvss.engines.pytorch import TorchEngine

    if isinstance(model, TorchEngine):
        return model
    return TorchEngine(model, device, precision)  # type: ignore[arg-type]
