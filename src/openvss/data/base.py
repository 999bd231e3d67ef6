"""What every data set looks like once its layout on disk has been read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from openvss.words.vocabulary import Vocabulary

Ids = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Clip:
    """One video of a data set; an image is a video of one frame.

    Attributes:
        name: Unique within the data set, usable as a relative path without suffix.
        frames: Image files in order of time.
        labels: For each frame its label file, or None where there is none.
        rate: Frames per second.
        objects: Where a sequence has one named object: its id in the masks, and the words that count as it.
    """

    name: str
    frames: tuple[Path, ...]
    labels: tuple[Path | None, ...]
    rate: Fraction = Fraction(15)
    objects: tuple[int, tuple[str, ...]] | None = None


class Dataset(Protocol):
    """Clips with labels."""

    @property
    def name(self) -> str:
        """As in `name:root`."""

    @property
    def root(self) -> Path:
        """The folder it was read from."""

    @property
    def split(self) -> str:
        """Such as "val"."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The classes in id order."""

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Classes of the files whose pixels do not count and that are not words, such as "background"."""

    @property
    def renumbers(self) -> bool:
        """Whether class ids are other numbers than those in the label files."""

    @property
    def ignore(self) -> int:
        """The id of pixels that do not count: 255, or 65535 beyond 254 classes."""

    @property
    def clips(self) -> tuple[Clip, ...]:
        """All videos or images of the split."""

    def read_label(self, path: Path) -> Ids:
        """(H, W) class ids 0..len(vocabulary)-1 or `ignore`, whatever the raw file holds."""
        ...
