"""What one `LabelMap` saves, shows and hands to other software, made as the files of a run are."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from openvss.errors import InputError, OutputError
from openvss.storage.atomic import replacing
from openvss.video.formats.classes import ClassInfo, class_infos
from openvss.video.formats.contract import Labelled
from openvss.video.formats.masks import mask_png, palette
from openvss.video.formats.painter import Painter
from openvss.video.formats.style import OverlayStyle
from openvss.video.frame import Frame
from openvss.video.labelmap import LabelMap
from openvss.video.picture import Picture, to_pixels

if TYPE_CHECKING:
    from supervision import Detections

WHITE = 255


def save(found: LabelMap, path: str | Path) -> None:
    """Write the mask, as `--format png` does."""
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"A mask is a PNG file: give a name that ends in .png, not {str(path)!r}.")
    try:
        with replacing(path) as draft:
            draft.write_bytes(mask_png(found.labels, palette(_classes(found.words))))
    except OSError as error:
        raise OutputError(
            f"Cannot write {path} ({error.strerror}): check the folder and the disk."
        ) from error


def overlay(found: LabelMap, image: Frame | Picture, legend: bool) -> Image.Image:
    """The frame with its labels drawn over it, as `--format overlay` does."""
    pixels = image.pixels if isinstance(image, Frame) else to_pixels(image, "The image")
    height, width = found.labels.shape
    if pixels.shape[:2] != (height, width):
        raise InputError(
            f"The image is {pixels.shape[1]}x{pixels.shape[0]} and the labels are {width}x{height}: give the "
            "frame that was labelled."
        )
    painter = Painter(_classes(found.words), (width, height), OverlayStyle(legend=legend))
    return Image.fromarray(painter.paint(Labelled(Frame(found.index, found.time, pixels), found)))


def preview(found: LabelMap) -> bytes:
    """The labels over white, with a legend, as a PNG file: what notebooks show."""
    file = io.BytesIO()
    overlay(found, np.full((*found.labels.shape, 3), WHITE, np.uint8), legend=True).save(file, "PNG")
    return file.getvalue()


def detections(found: LabelMap) -> Detections:
    """One detection for each word in the frame."""
    sv = _supervision()
    counts = found.counts()[:-1]
    ids = np.flatnonzero(counts)
    masks = found.labels == ids[:, None, None]
    sums = np.array([found.confidence[mask].sum(dtype=np.float64) for mask in masks])
    return sv.Detections(
        xyxy=sv.mask_to_xyxy(masks).astype(np.float32),
        mask=masks,
        confidence=(sums / counts[ids]).astype(np.float32),
        class_id=ids,
        data={"class_name": np.array(found.words)[ids]},
    )


def _supervision() -> Any:
    try:
        import supervision
    except ModuleNotFoundError as error:
        if error.name != "supervision":
            raise
        raise InputError(
            "The package supervision is missing: install it with pip install supervision."
        ) from error
    return supervision


@lru_cache(maxsize=8)
def _classes(words: tuple[str, ...]) -> tuple[ClassInfo, ...]:
    return class_infos([(word, ()) for word in words])
