"""OpenVSS: a video and a list of words in; every pixel of every frame labelled with one of the words."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["LabelMap", "Segmenter", "Vocabulary", "__version__", "load"]

if TYPE_CHECKING:
    from openvss.segmenting.loading import load
    from openvss.segmenting.segmenter import Segmenter
    from openvss.video.labelmap import LabelMap
    from openvss.words.vocabulary import Vocabulary

_HOMES = {
    "LabelMap": "openvss.video.labelmap",
    "Segmenter": "openvss.segmenting.segmenter",
    "Vocabulary": "openvss.words.vocabulary",
    "load": "openvss.segmenting.loading",
}


def __getattr__(name: str) -> Any:
    """Import torch and everything else only when something that needs it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'openvss' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
