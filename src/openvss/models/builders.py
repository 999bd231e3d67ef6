"""What builds each system, and what renames weights of other software: imported once it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from openvss.models.base import VideoModel

Builder = Callable[..., "VideoModel"]
KeyMap = Callable[["Mapping[str, Tensor]"], "dict[str, Tensor]"]


def _later(module: str, name: str) -> Callable[[], Any]:
    return lambda: getattr(import_module(module), name)


tiny = _later("openvss.models.tiny.model", "build")
ov2vss = _later("openvss.models.ov2vss.build", "build")
sed = _later("openvss.models.stseg.build", "build_sed")
stseg = _later("openvss.models.stseg.build", "build_stseg")
segformer = _later("openvss.models.cffm.build", "build_segformer")
cffm = _later("openvss.models.cffm.build", "build")
sam_clip = _later("openvss.models.regions.build", "build_sam_clip")
regions_tiny = _later("openvss.models.regions.build", "build_regions_tiny")

sed_keys = _later("openvss.models.stseg.keys", "sed")
segformer_keys = _later("openvss.models.cffm.keys", "segformer")  # as CFFM's release names them
cffm_keys = _later("openvss.models.cffm.keys", "cffm")
