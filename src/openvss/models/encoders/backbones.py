"""Backbones by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from openvss.errors import InputError
from openvss.models.encoders import mit, resnet, vit
from openvss.models.encoders.lite0 import Lite0

AnyBackbone = mit.MiT | resnet.ResNet | vit.ViT | Lite0  # modules that keep `contract.Backbone`

BACKBONES: dict[str, Callable[[], Any]] = {
    **{name: partial(mit.MiT, plan) for name, plan in mit.PLANS.items()},
    **{name: partial(resnet.ResNet, plan) for name, plan in resnet.PLANS.items()},
    **{name: partial(vit.ViT, plan) for name, plan in vit.PLANS.items()},
    "lite0": Lite0,
}


def backbone(name: str) -> AnyBackbone:
    """The backbone of that name, without trained weights."""
    if name not in BACKBONES:
        raise InputError(f"There is no backbone {name!r}: choose one of {', '.join(BACKBONES)}.")
    made: AnyBackbone = BACKBONES[name]()
    return made
