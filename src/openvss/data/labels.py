"""Label files: the class ids in one file, and what a data set's ids mean.

A file may be a palette PNG (whose indices are the ids, whatever its colours), an 8- or 16-bit grey PNG, or a
16-bit TIFF.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from openvss.data.base import Ids
from openvss.errors import InputError
from openvss.video.labelmap import unlabelled_id

SUFFIXES = {".png", ".tif", ".tiff"}
MODES = ("P", "L", "I;16", "I;16B", "I")
RAW_IDS = 1 << 16  # label files have at most 16 bits
NAMED = 5  # a message lists this many wrong ids at most


def read_ids(path: Path) -> Ids:
    """(H, W) numbers in a label file, uint8 or uint16, as they are."""
    try:
        with Image.open(path, formats=("PNG", "TIFF")) as image:
            if image.mode not in MODES:
                raise InputError(
                    f"{path} is a {image.mode} picture, not a label file: save the class ids themselves, "
                    "as an 8- or 16-bit grey or palette PNG."
                )
            if image.mode == "L" and image.format == "PNG" and _png_bits(path) < 8:
                raise InputError(
                    f"{path} is grey with {_png_bits(path)} bits, which readers stretch to 8, so that its "
                    "ids are lost: save the class ids as an 8-bit grey or palette PNG."
                )
            pixels = np.asarray(image)
    except FileNotFoundError as error:
        raise InputError(f"The label file {path} is missing: get a complete copy of the data.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"The label file {path} cannot be read as PNG or TIFF: replace it.") from error
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.size and not 0 <= int(pixels.min()) <= int(pixels.max()) < RAW_IDS:
        raise InputError(f"{path} holds numbers beyond 16 bits, so it is not a label file: replace it.")
    return pixels.astype(np.uint16)


def _png_bits(path: Path) -> int:
    """Bits of a channel, from the file's header."""
    with path.open("rb") as file:
        return file.read(25)[24]


def save_labels(labels: Ids, path: Path) -> None:
    """Write class ids as a grey picture: PNG for 8 bits, TIFF for 16, as the published tools do."""
    image = Image.fromarray(np.ascontiguousarray(labels))
    if labels.dtype == np.uint8:
        image.save(path, "PNG")
    else:
        image.save(path, "TIFF", compression="tiff_adobe_deflate")


@dataclass(frozen=True, eq=False)
class IdTable:
    """The class of every id that a data set's files may hold.

    Attributes:
        classes: For each raw id its class, the ignore id, or `unknown`.
        unknown: Stands for ids that have no meaning: the id below the ignore id, which no class has.
    """

    classes: Ids
    unknown: int

    @classmethod
    def of(cls, classes: Mapping[int, int], n_classes: int, ignored: Iterable[int]) -> IdTable:
        """A table from raw id to class, and the raw ids that do not count."""
        ignore = unlabelled_id(n_classes)
        table = np.full(RAW_IDS, ignore - 1, np.uint16)
        table[list(ignored)] = ignore
        table[list(classes)] = list(classes.values())
        return cls(table.astype(np.uint8) if ignore < 256 else table, ignore - 1)

    def read(self, path: Path) -> Ids:
        """(H, W) classes of a label file."""
        raw = read_ids(path)
        classes: Ids = self.classes.take(raw)
        wrong = classes == self.unknown
        if wrong.any():
            ids = [str(value) for value in np.unique(raw[wrong])]
            more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
            raise InputError(
                f"{path} holds the id{'s' if len(ids) > 1 else ''} {', '.join(ids[:NAMED])}{more}, which "
                "the data set does not define: correct the file."
            )
        return classes


def require_size(labels: npt.NDArray[np.generic], path: Path, size: tuple[int, int], frame: Path) -> None:
    """Raise if labels, read from `path`, do not have the height and width of their frame."""
    height, width = labels.shape
    if (height, width) != size:
        raise InputError(
            f"{path} is {width}x{height}, but its image {frame} is {size[1]}x{size[0]}: "
            "both must have the same size."
        )
