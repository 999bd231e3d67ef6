"""Label maps as PNG: the numbers in the file are the ids of the words.

Up to 254 words give a palette picture in the words' colours (255 is unlabelled, black); more give a 16-bit
greyscale picture (65535 is unlabelled).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from openvss.errors import InputError
from openvss.video.formats.classes import ClassInfo, colour_table
from openvss.video.labelmap import Labels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"IEND"
COMPRESSION = 3  # label maps shrink well at any level; beyond 3 only the time grows


def palette(classes: Sequence[ClassInfo]) -> bytes:
    """The 256 colours of the masks; empty beyond 254 words, where masks have no palette."""
    if len(classes) > 254:
        return b""
    return colour_table(classes).tobytes().ljust(3 * 256, b"\0")


def mask_png(labels: Labels, colours: bytes) -> bytes:
    """A label map as the bytes of a PNG file; `colours` is what `palette` gave."""
    image = Image.fromarray(np.ascontiguousarray(labels))
    if colours:
        image.putpalette(colours)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=COMPRESSION)
    return file.getvalue()


def read_mask(path: Path) -> Labels:
    """The label ids of a mask: (H, W), uint8 or uint16."""
    try:
        with Image.open(path) as image:
            if image.mode not in ("P", "I;16"):
                raise InputError(f"{path} is not a label mask: it is a {image.mode} picture.")
            pixels = np.asarray(image)
            return pixels.astype(np.uint16) if image.mode == "I;16" else pixels.astype(np.uint8)
    except (OSError, SyntaxError) as error:
        raise InputError(f"The mask {path} cannot be read ({error}).") from error


def is_whole_png(path: Path) -> bool:
    """Whether a PNG file is there, complete, and agrees with its own checksums."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return False
    if not data.startswith(SIGNATURE):
        return False
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        body_end = at + 8 + length
        if data[body_end : body_end + 4] != struct.pack(">I", zlib.crc32(data[at + 4 : body_end])):
            return False
        at = body_end + 4
        if kind == END:
            return bool(at == len(data))
    return False
