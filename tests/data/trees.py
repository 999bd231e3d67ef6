"""Writes tiny data sets in their layouts on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

SIZE = (2, 3)


def picture(path: Path, size: tuple[int, int] = SIZE) -> Path:
    """A grey RGB image of height and width `size`; the suffix says the format."""
    return save(path, np.full((*size, 3), 90, np.uint8))


def label(path: Path, ids: Sequence[int], dtype: type[np.uint8] | type[np.uint16] = np.uint8) -> Path:
    """A label file as large as `picture`, which holds the ids in reading order, then the last one again."""
    cells = [*ids, *[ids[-1]] * (SIZE[0] * SIZE[1] - len(ids))]
    return save(path, np.array(cells, dtype).reshape(SIZE))


def save(path: Path, pixels: npt.NDArray[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def text(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def video(root: Path, name: str, masks: Sequence[Sequence[int]]) -> None:
    """A video of VSPW's kind, with a frame for each mask."""
    for index, ids in enumerate(masks):
        picture(root / "data" / name / "origin" / f"{index:08d}.jpg")
        label(root / "data" / name / "mask" / f"{index:08d}.png", ids)
