"""Name -> how to build it: the list behind `--model` and `openvss models`.

Nothing heavy is imported before a model is built: `openvss models` needs no torch.
"""

from __future__ import annotations

import difflib
import inspect
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from openvss.errors import InputError
from openvss.models import builders
from openvss.models.builders import Builder, KeyMap

if TYPE_CHECKING:
    from openvss.models.base import VideoModel


@dataclass(frozen=True)
class Preset:
    """A system that can be asked for by name.

    Attributes:
        summary: One line for `openvss models`.
        pair: What relates its images to words.
        builder: Imports and returns the function of the system's room that builds it. The parameters of that
            function are the options: plain values with type hints and defaults.
        weights: Name of the bundled weights file; None if no trained weights exist.
        options: What makes this preset of the system.
        parts: Where the weights of its parts come from, if nothing else in it is trained.
        keys: Imports and returns what brings the names of other software's weights to ours; names that it
            does not know stay.
    """

    summary: str
    pair: str
    builder: Callable[[], Builder]
    weights: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    parts: str | None = None
    keys: Callable[[], KeyMap] | None = None

    def build(self, **options: object) -> VideoModel:
        """The model without trained weights."""
        return self.builder()(**{**self.options, **options})


_CFFM_LAYERS = {"b0": 1, "b1": 2, "b2": 2, "b3": 2, "b4": 4, "b5": 4}  # b3 and b4 are not in the paper

PRESETS: dict[str, Preset] = {
    "tiny": Preset(
        summary="bundled default, works offline; its memory follows what moves",
        pair="EfficientNet-Lite0 features aligned to MiniLM text",
        builder=builders.tiny,
        weights="tiny",
    ),
    "ov2vss-mit-b2": Preset(
        summary="the paper's video system on MiT-B2",
        pair="CLIP ViT-B/16",
        builder=builders.ov2vss,
        options={"backbone": "mit-b2"},
    ),
    "ov2vss-r101": Preset(
        summary="the paper's video system on ResNet-101",
        pair="CLIP ViT-B/16",
        builder=builders.ov2vss,
        options={"backbone": "resnet-101"},
    ),
    "ov2vss-vit-b": Preset(
        summary="the paper's video system on the image encoder of SAM ViT-B",
        pair="CLIP ViT-B/16",
        builder=builders.ov2vss,
        options={"backbone": "vit-b"},
    ),
    "sed-b": Preset(
        summary="image system with a cost-aware decoder",
        pair="CLIP ConvNeXt-B",
        builder=builders.sed,
        keys=builders.sed_keys,
    ),
    "sed-b-fast": Preset(
        summary="sed-b that drops words early which are nowhere among the 8 likeliest",
        pair="CLIP ConvNeXt-B",
        builder=builders.sed,
        keys=builders.sed_keys,
        options={"topk": 8},
    ),
    "stseg-b": Preset(
        summary="sed-b with features sharpened by SAM's, made for self-training",
        pair="CLIP ConvNeXt-B",
        builder=builders.stseg,
        keys=builders.sed_keys,  # of which it is an extension
    ),
    "sam-clip": Preset(
        summary="regions from SAM, each named by CLIP; each frame alone",
        pair="CLIP ViT-B/16",
        builder=builders.sam_clip,
        parts="published, from a local folder or the hub",
    ),
    "regions-tiny": Preset(
        summary="superpixels, each named by the pair of tiny; works offline",
        pair="EfficientNet-Lite0 features aligned to MiniLM text",
        builder=builders.regions_tiny,
        parts="bundled, those of tiny",
    ),
    **{
        f"segformer-{size}": Preset(
            summary="closed set; MiT and SegFormer's head, each frame alone",
            pair="-",
            builder=builders.segformer,
            keys=builders.segformer_keys,
            options={"backbone": f"mit-{size}"},
        )
        for size in _CFFM_LAYERS
    },
    **{
        f"cffm-{size}": Preset(
            summary="closed set; SegFormer, and features of three earlier frames",
            pair="-",
            builder=builders.cffm,
            keys=builders.cffm_keys,
            options={"backbone": f"mit-{size}", "layers": layers},
        )
        for size, layers in _CFFM_LAYERS.items()
    },
    **{
        f"cffm++-{size}": Preset(
            summary="closed set; CFFM, and prototypes of the whole video",
            pair="-",
            builder=builders.cffm,
            keys=builders.cffm_keys,
            options={
                "backbone": f"mit-{size}",
                "layers": layers,
                "global_layers": 1 if size in ("b0", "b1") else 2,
            },
        )
        for size, layers in _CFFM_LAYERS.items()
    },
}


def find_preset(name: str) -> Preset:
    """The preset of a name."""
    if name not in PRESETS:
        raise unknown(name)
    return PRESETS[name]


def unknown(name: str, otherwise: str = "") -> InputError:
    """The complaint about a name that is none of a preset; `otherwise` says what else could be given."""
    close = difflib.get_close_matches(name.lower(), PRESETS, n=1)
    meant = f"did you mean {close[0]}? `openvss models`" if close else "`openvss models`"
    return InputError(f"There is no model {name!r}: {meant} lists them{otherwise}.")


def build_model(name: str, options: Mapping[str, object] | None = None) -> VideoModel:
    """A model without trained weights.

    Args:
        name: Of a preset.
        options: Of its builder, as they come from a recipe or a checkpoint: values that JSON can hold.
    """
    return find_preset(name).build(**checked_options(name, options or {}))


def options_of(name: str) -> dict[str, object]:
    """The options of a preset and their values if nothing is said."""
    preset = find_preset(name)
    own = inspect.signature(preset.builder()).parameters
    return {key: preset.options.get(key, parameter.default) for key, parameter in own.items()}


def checked_options(name: str, options: Mapping[str, object]) -> dict[str, Any]:
    """The options as their type hints have them: a list of a recipe becomes a tuple, for example."""
    hints = typing.get_type_hints(find_preset(name).builder())
    hints.pop("return", None)
    checked = {}
    for key, value in options.items():
        if key not in hints:
            choices = f"choose one of {', '.join(hints)}" if hints else "it has none"
            raise InputError(f"The model {name} has no option {key!r}: {choices}.")
        try:
            checked[key] = TypeAdapter(hints[key]).validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise InputError(f"The option {key} of {name} cannot be {value!r}: {reason.lower()}.") from None
    return checked
