"""Files of the kinds that data sets consist of; the same content always gives the same bytes."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from openvss.data.base import Ids
from openvss.errors import InputError
from openvss.video.pixels import Pixels

JPEG_QUALITY = 76
MAT_HEADER = 116  # bytes of free text at the start of a MATLAB 5 file


def write_image(path: Path, pixels: Pixels) -> None:
    """Write a frame, as JPEG or PNG by its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Quality and subsampling are unknown to PNG, which passes over them.
    Image.fromarray(pixels).save(path, quality=JPEG_QUALITY, subsampling=0, optimize=True)


def write_ids(path: Path, ids: npt.NDArray[np.integer]) -> None:
    """Write ids as a grey PNG of 8 bits, or a TIFF of 16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        Image.fromarray(ids.astype(np.uint16)).save(path, compression="tiff_adobe_deflate")
    else:
        Image.fromarray(ids.astype(np.uint8)).save(path)


def write_palette(path: Path, ids: npt.NDArray[np.integer]) -> None:
    """Write ids as a palette PNG in the colours of PASCAL VOC."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(ids.astype(np.uint8))
    image.putpalette(_voc_palette())
    image.save(path)


def write_mat(path: Path, label_map: Ids) -> None:
    """Write a MATLAB file with the variable `LabelMap`, as PASCAL-Context has it."""
    try:
        # scipy is optional: nothing but this layout needs it.
        scipy_io = importlib.import_module("scipy.io")
    except ImportError as error:
        raise InputError("The .mat files of PASCAL-Context need scipy: run `pip install scipy`.") from error
    file = io.BytesIO()
    scipy_io.savemat(file, {"LabelMap": label_map}, do_compression=True)
    # The text at the start holds the time of writing.
    fixed = b"MATLAB 5.0 MAT-file".ljust(MAT_HEADER)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(fixed + file.getvalue()[MAT_HEADER:])


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def write_json(path: Path, content: object) -> None:
    """Write a JSON file."""
    write_lines(path, [json.dumps(content)])


def _voc_palette() -> bytes:
    """Bits of the id, three at a time from the lowest, become bits of red, green and blue from the top."""
    ids = np.arange(256)
    channels = [
        sum(((ids >> (3 * level + channel)) & 1) << (7 - level) for level in range(8)) for channel in range(3)
    ]
    return np.stack(channels, axis=1).astype(np.uint8).tobytes()
