"""Backbones by name, each imported when it is first used.

Another package adds one with an entry point of the group `openvss.backbones`, whose value makes a module that
implements `contract.Backbone`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from openvss.plugs import Table, later

if TYPE_CHECKING:
    from openvss.models.encoders.lite0 import Lite0
    from openvss.models.encoders.mit import MiT
    from openvss.models.encoders.resnet import ResNet
    from openvss.models.encoders.vit import ViT

    AnyBackbone = MiT | ResNet | ViT | Lite0

_MIT = ("mit-b0", "mit-b1", "mit-b2", "mit-b3", "mit-b4", "mit-b5", "mit-nano")
_RESNET = ("resnet-50", "resnet-101", "resnet-nano")
_VIT = ("vit-b", "vit-nano")

BACKBONES: Table[Callable[[], Any]] = Table(
    "backbone",
    {
        **{name: partial(later("openvss.models.encoders.mit:named"), name) for name in _MIT},
        **{name: partial(later("openvss.models.encoders.resnet:named"), name) for name in _RESNET},
        **{name: partial(later("openvss.models.encoders.vit:named"), name) for name in _VIT},
        "lite0": later("openvss.models.encoders.lite0:Lite0"),
    },
    group="openvss.backbones",
)


def backbone(name: str) -> AnyBackbone:
    """The backbone of that name, without trained weights."""
    made: AnyBackbone = BACKBONES.find(name)()
    return made
