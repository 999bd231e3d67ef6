"""The presets of CFFM and CFFM++."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from openvss.models.cffm.geometry import Geometry, Pooling, by_rank
from openvss.models.preset import Preset
from openvss.plugs import later


@dataclass(frozen=True)
class CFFMOptions:
    """What can be chosen.

    Attributes:
        backbone: By name.
        words: The fixed list: a built-in one's name, or the words themselves.
        text: In place of the list, what reads any words: `minilm`, or the text side of an image-text pair.
        references: How far back to look, farthest first; () lets the target stand in for all of them, so that
            there are only static contexts.
        pooling: Cells and kernel of each reference, see `Pooling`; by rank if None, see `by_rank`.
        target: Cells and kernel of the target itself.
        expand: Width of the ring around each window.
        layers: N of the paper; 0 labels frames alone, as by SegFormer.
        dim: Width of all features after the backbone.
        heads: Of attention.
        attend: False replaces attention by the mean of the tokens: the paper's assembling without mining.
        stride: Of the map that is mined, unless the backbone's finest is coarser.
        centred: Regions that lie around their window; not for the authors' checkpoints.
        mask_border: Hide padding and the opposite edge; not for the authors' checkpoints.
        official: Begin a video, average losses, find prototypes and count parameters as the authors do.
        global_layers: N_g of the paper; 0 gives CFFM, more give CFFM++.
        prototypes: N_p of the paper.
        frames: f of the paper: how many frames of the video are summarised.
        weight: Lambda of the paper: how much the second opinion counts.
        teacher: Backbone of a larger CFFM that the prototypes are taken from.
    """

    backbone: str = "mit-b1"
    words: str = "vspw"
    text: str | None = None
    references: tuple[int, ...] = (9, 6, 3)
    pooling: tuple[tuple[int, int], ...] | None = None
    target: tuple[int, int] = (1, 5)
    expand: int = 3
    layers: int = 2
    dim: int = 256
    heads: int = 8
    attend: bool = True
    stride: int = 8
    centred: bool = False
    mask_border: bool = False
    official: bool = False
    global_layers: int = 0
    prototypes: int = 100
    frames: int = 10
    weight: float = 0.5
    teacher: str | None = None

    @cached_property
    def geometry(self) -> Geometry:
        """The tokens that a window looks at."""
        pooling = self.pooling
        return Geometry(
            expand=self.expand,
            target=Pooling(*self.target),
            references=by_rank(len(self.references))
            if pooling is None
            else tuple(Pooling(*p) for p in pooling),
            centred=self.centred,
            mask_border=self.mask_border,
        )


LAYERS = {"b0": 1, "b1": 2, "b2": 2, "b3": 2, "b4": 4, "b5": 4}  # b3 and b4 are not in the paper

_LOCAL = {
    f"cffm-{size}": Preset(
        summary="closed set; SegFormer, and features of three earlier frames",
        pair="-",
        options=CFFMOptions(backbone=f"mit-{size}", layers=layers),
        builder=later("openvss.models.cffm.plusplus:build"),
        keys=later("openvss.models.cffm.keys:cffm"),
    )
    for size, layers in LAYERS.items()
}
_GLOBAL = {
    f"cffm++-{size}": replace(
        _LOCAL[f"cffm-{size}"],
        summary="closed set; CFFM, and prototypes of the whole video",
        options=CFFMOptions(
            backbone=f"mit-{size}", layers=layers, global_layers=1 if size in ("b0", "b1") else 2
        ),
    )
    for size, layers in LAYERS.items()
}
PRESETS = {**_LOCAL, **_GLOBAL}
