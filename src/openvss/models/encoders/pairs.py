"""Image-text pairs by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openvss.errors import InputError
from openvss.models.encoders.clip import ClipViT
from openvss.models.encoders.convnext_clip import ConvNextClip
from openvss.models.encoders.tiny import TinyPair

Pair = ClipViT | ConvNextClip | TinyPair  # modules that keep `contract.ImageText`

PAIRS: dict[str, Callable[[], Any]] = {
    "clip-vit-b16": ClipViT,
    "clip-nano": lambda: ClipViT("nano"),
    "clip-convnext-b": ConvNextClip,
    "clip-convnext-nano": lambda: ConvNextClip("nano"),
    "tiny": TinyPair,
}


def pair(name: str) -> Pair:
    """The pair of that name, without trained weights, frozen."""
    if name not in PAIRS:
        raise InputError(f"There is no image-text pair {name!r}: choose one of {', '.join(PAIRS)}.")
    made: Pair = PAIRS[name]()
    return made.requires_grad_(False)
