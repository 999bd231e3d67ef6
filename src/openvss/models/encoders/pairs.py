"""Image-text pairs by name, each imported when it is first used.

Another package adds one with an entry point of the group `openvss.pairs`, whose value makes a module that
implements `contract.ImageText`, or of the group `openvss.pyramids`, for `contract.PyramidPair`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from openvss.plugs import Table, later

if TYPE_CHECKING:
    from openvss.models.encoders.clip import ClipViT
    from openvss.models.encoders.contract import PyramidPair
    from openvss.models.encoders.convnext_clip import ConvNextClip
    from openvss.models.encoders.tiny import TinyPair
    from openvss.models.words import TextEncoder

    Pair = ClipViT | ConvNextClip | TinyPair

_CONVNEXT: dict[str, Callable[[], Any]] = {
    "clip-convnext-b": later("openvss.models.encoders.convnext_clip:ConvNextClip"),
    "clip-convnext-nano": partial(later("openvss.models.encoders.convnext_clip:ConvNextClip"), "nano"),
}

PAIRS: Table[Callable[[], Any]] = Table(
    "image-text pair",
    {
        "clip-vit-b16": later("openvss.models.encoders.clip:ClipViT"),
        "clip-nano": partial(later("openvss.models.encoders.clip:ClipViT"), "nano"),
        **_CONVNEXT,
        "tiny": later("openvss.models.encoders.tiny:TinyPair"),
    },
    group="openvss.pairs",
)

PYRAMIDS: Table[Callable[[], Any]] = Table("image-text pair of SED", _CONVNEXT, group="openvss.pyramids")


def pair(name: str) -> Pair:
    """The pair of that name, without trained weights, frozen."""
    made: Pair = PAIRS.find(name)()
    return made.requires_grad_(False)


def pyramid(name: str) -> PyramidPair:
    """The pair with a pyramid of that name, without trained weights; its image side is not frozen."""
    made: PyramidPair = PYRAMIDS.find(name)()
    return made


def text_encoder(name: str) -> TextEncoder:
    """A text encoder: `minilm`, or the text side of the pair of that name."""
    if name != "minilm":
        return pair(name).text
    from openvss.models.encoders.minilm import MiniLM

    return MiniLM()
