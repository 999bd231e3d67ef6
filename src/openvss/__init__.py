"""OpenVSS: a video and a list of words in; every pixel of every frame labelled with one of the words."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "BrokenVideoError",
    "Frame",
    "InputError",
    "LabelMap",
    "OpenVSSError",
    "OutputError",
    "OverlayStyle",
    "Part",
    "Progress",
    "Result",
    "Segmenter",
    "Source",
    "Stopped",
    "StreamSettings",
    "TrainingError",
    "Vocabulary",
    "__version__",
    "load",
    "open_source",
    "segment",
]

# OpenMP reads this once, when torch is loaded. Its threads otherwise wait for work by spinning, which beside
# other programs takes the processor from the threads that have work.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

if TYPE_CHECKING:
    from openvss.errors import (
        BrokenVideoError,
        InputError,
        OpenVSSError,
        OutputError,
        Stopped,
        TrainingError,
    )
    from openvss.segmenting.job import Progress, Result, segment
    from openvss.segmenting.loading import load
    from openvss.segmenting.segmenter import Segmenter
    from openvss.segmenting.settings import StreamSettings
    from openvss.video.formats.style import OverlayStyle
    from openvss.video.frame import Frame
    from openvss.video.labelmap import LabelMap
    from openvss.video.part import Part
    from openvss.video.sources import Source, open_source
    from openvss.words.vocabulary import Vocabulary

_HOMES = {
    "BrokenVideoError": "openvss.errors",
    "Frame": "openvss.video.frame",
    "InputError": "openvss.errors",
    "LabelMap": "openvss.video.labelmap",
    "OpenVSSError": "openvss.errors",
    "OutputError": "openvss.errors",
    "OverlayStyle": "openvss.video.formats.style",
    "Part": "openvss.video.part",
    "Progress": "openvss.segmenting.job",
    "Result": "openvss.segmenting.job",
    "Segmenter": "openvss.segmenting.segmenter",
    "Source": "openvss.video.sources",
    "Stopped": "openvss.errors",
    "StreamSettings": "openvss.segmenting.settings",
    "TrainingError": "openvss.errors",
    "Vocabulary": "openvss.words.vocabulary",
    "load": "openvss.segmenting.loading",
    "open_source": "openvss.video.sources",
    "segment": "openvss.segmenting.job",
}


def __getattr__(name: str) -> Any:
    """Import torch and the rest only when a name that needs them is used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'openvss' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
