"""One step of preparing a data set: a file to be made from others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from openvss.data.base import Ids


@dataclass(frozen=True)
class Conversion:
    """A file to be made.

    Attributes:
        target: The file; where it exists already, nothing is done.
        write: Makes it, under the other name that it is given.
    """

    target: Path
    write: Callable[[Path], None]


def save_labels(labels: Ids, path: Path) -> None:
    """Write class ids as a grey picture: PNG for 8 bits, TIFF for 16, as the published tools do."""
    image = Image.fromarray(np.ascontiguousarray(labels))
    if labels.dtype == np.uint8:
        image.save(path, "PNG")
    else:
        image.save(path, "TIFF", compression="tiff_adobe_deflate")
