"""What `--format` knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from openvss.errors import InputError
from openvss.video.formats import chart, labels, overlay, panoptic, rle
from openvss.video.formats.contract import OutputPlan, SourceInfo, Writer

MASKS = "png"  # written by the journal, which needs them anyway

PRODUCTS: Mapping[str, tuple[str, ...]] = {
    MASKS: ("masks",),
    "overlay": (overlay.VIDEO, overlay.PICTURE),
    "labels": (labels.PRODUCT,),
    "panoptic": panoptic.PRODUCTS,
    "rle": (rle.PRODUCT,),
    "chart": (chart.PRODUCT,),
}

_WRITERS: Mapping[str, Callable[[OutputPlan], Writer]] = {
    "overlay": overlay.OverlayVideo,
    "labels": labels.LabelVideo,
    "panoptic": panoptic.PanopticWriter,
    "rle": rle.RleWriter,
    "chart": chart.ChartWriter,
}


def known_formats(names: Sequence[str]) -> tuple[str, ...]:
    """The names, each once and in a fixed order; an unknown one is an error."""
    for name in names:
        if name not in PRODUCTS:
            raise InputError(f'Unknown format "{name}"; the formats are {", ".join(PRODUCTS)}.')
    return tuple(name for name in PRODUCTS if name in names)


def require_size(names: Sequence[str], source: SourceInfo) -> None:
    """InputError if one of the formats cannot have frames of the source's size."""
    if "overlay" in names and source.kind == "video":
        overlay.require_size(source.size)
    if "labels" in names:
        labels.require_size(source.size)


def writer(name: str, kind: Literal["image", "video"], plan: OutputPlan) -> Writer:
    """The writer of a format (of all but the masks)."""
    if name == "overlay" and kind == "image":
        return overlay.OverlayPicture(plan)
    return _WRITERS[name](plan)
