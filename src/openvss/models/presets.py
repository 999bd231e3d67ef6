"""Name -> how to build it: the list behind `--model` and `openvss models`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.tiny import Tiny
from openvss.weights import bundled


@dataclass(frozen=True)
class Preset:
    """A system that can be asked for by name.

    Attributes:
        summary: One line for `openvss models`.
        pair: What relates its images to words.
        build: Makes the model, without weights.
        weights: Name of the bundled weights file.
    """

    summary: str
    pair: str
    build: Callable[[], VideoModel]
    weights: str


PRESETS: dict[str, Preset] = {
    "tiny": Preset(
        summary="bundled default, works offline; labels each frame alone",
        pair="EfficientNet-Lite0 features aligned to MiniLM text",
        build=Tiny,
        weights="tiny",
    ),
}


def load_model(name: str) -> VideoModel:
    """The model of a preset with its trained weights, ready to segment."""
    if name not in PRESETS:
        raise InputError(f"There is no model {name!r}: choose one of {', '.join(PRESETS)}.")
    preset = PRESETS[name]
    model = preset.build()
    bundled.load_into(model, bundled.path(preset.weights))
    return model.eval()
