from __future__ import annotations

from dataclasses import dataclass

from openvss.models.preset import Preset
from openvss.plugs import later


@dataclass(frozen=True)
class HuesOptions:
    """What can be chosen.

    Attributes:
        width: Channels of the features.
        back: How many frames back to look.
    """

    width: int = 8
    back: int = 3


HUES = Preset(
    summary="3x3 convolutions and a reference frame",
    pair="letters of words",
    options=HuesOptions(),
    builder=later("hues.model:Hues"),
)
