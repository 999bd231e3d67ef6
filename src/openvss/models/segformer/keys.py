"""Key maps of SegFormer, from the names of mmsegmentation and of the hub."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from openvss.weights.mit import TRANSFORMERS
from openvss.weights.mmseg import segmenter
from openvss.weights.renaming import Rule, rename

_END = r"\.(weight|bias)"


def segformer(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint of SegFormer as mmsegmentation or transformers names it, under our names."""
    return segmenter(state, _CLASSIFIER)


def hub_segformer(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A whole segmenter of the hub -> transformers' `SegformerForSemanticSegmentation`."""
    backbone = {name: value for name, value in state.items() if name.startswith("segformer.")}
    head = {name: value for name, value in state.items() if name not in backbone}
    ours = {f"segformer.{n.removeprefix('model.')}": v for n, v in rename(backbone, TRANSFORMERS).items()}
    return ours | rename(head, _PROJECTIONS)


_CLASSIFIER = [Rule(rf"(?:linear_pred|classifier){_END}", (r"classifier.project.\1",))]
_PROJECTIONS = [
    Rule(rf"decode_head\.linear_c\.(\d)\.proj{_END}", (r"decode_head.linear_projections.\1.proj.\2",))
]
