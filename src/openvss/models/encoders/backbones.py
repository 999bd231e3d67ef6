"""Backbones by name."""

from __future__ import annotations

from openvss.errors import InputError
from openvss.models.encoders import mit, resnet, vit
from openvss.models.encoders.lite0 import Lite0
from openvss.models.encoders.toy import ToyBackbone

AnyBackbone = mit.MiT | resnet.ResNet | vit.ViT | Lite0 | ToyBackbone  # modules that keep `contract.Backbone`

NAMES = (*mit.PLANS, *resnet.PLANS, *vit.PLANS, "lite0", "toy")


def backbone(name: str) -> AnyBackbone:
    """The backbone of that name, without trained weights."""
    if name in mit.PLANS:
        return mit.MiT(mit.PLANS[name])
    if name in resnet.PLANS:
        return resnet.ResNet(resnet.PLANS[name])
    if name in vit.PLANS:
        return vit.ViT(vit.PLANS[name])
    if name == "lite0":
        return Lite0()
    if name == "toy":
        return ToyBackbone()
    raise InputError(f"There is no backbone {name!r}: choose one of {', '.join(NAMES)}.")
