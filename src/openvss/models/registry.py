"""Name -> how to build it: the table behind `--model` and `openvss models`.

Nothing heavy is imported before a model is built: `openvss models` needs no torch. Another package adds a
model with an entry point of the group `openvss.models`, named after the preset, whose value is a `Preset`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from openvss.errors import InputError
from openvss.models.cffm import presets as cffm
from openvss.models.ov2vss import presets as ov2vss
from openvss.models.preset import Preset
from openvss.models.regions import presets as regions
from openvss.models.segformer import presets as segformer
from openvss.models.stseg import presets as stseg
from openvss.models.tiny import presets as tiny
from openvss.plugs import Table, later

if TYPE_CHECKING:
    from openvss.models.base import VideoModel

PRESETS: Table[Preset] = Table(
    "model",
    {
        **tiny.PRESETS,
        **ov2vss.PRESETS,
        **stseg.PRESETS,
        **regions.PRESETS,
        **segformer.PRESETS,
        **cffm.PRESETS,
    },
    group="openvss.models",
)

HUB = "hf:"  # before the name of a repository of the Hugging Face hub
load_from_hub = later("openvss.models.segformer.hub:load")


def find_preset(name: str) -> Preset:
    """The preset of a name."""
    if name not in PRESETS:
        raise unknown(name)
    return PRESETS[name]


def unknown(name: str, otherwise: str = "") -> InputError:
    """The error about a name that no preset has; `otherwise` names further choices."""
    close = difflib.get_close_matches(name.lower(), PRESETS, n=1)
    meant = f"did you mean {close[0]}? `openvss models`" if close else "`openvss models`"
    return InputError(f"No model is called {name!r}: {meant} lists them{otherwise}.")


def build_model(name: str, options: Mapping[str, object] | None = None) -> VideoModel:
    """A model without trained weights.

    Args:
        name: Of a preset.
        options: Of that preset, as they come from a recipe or a checkpoint: values that JSON can hold.
    """
    return find_preset(name).build(checked_options(name, options or {}))


def options_of(name: str) -> dict[str, object]:
    """The options of a preset and their default values."""
    return find_preset(name).defaults()


def checked_options(name: str, options: Mapping[str, object]) -> dict[str, Any]:
    """The options as their type hints have them: a list of a recipe becomes a tuple, for example."""
    return find_preset(name).checked(name, options)
