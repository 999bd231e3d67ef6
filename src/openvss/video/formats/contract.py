"""What every output format is given, and what it has to offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from openvss.video.formats.classes import ClassInfo
from openvss.video.formats.style import OverlayStyle
from openvss.video.frame import Frame
from openvss.video.labelmap import LabelMap


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What the output needs to know of the source.

    Attributes:
        size: Width and height of the frames.
        rate: Frames per second, exact; None if unknown.
        kind: A single image, or anything with more than one frame.
        path: The video file, where there is one: the overlay takes the audio and the clock from it.
    """

    size: tuple[int, int]
    rate: Fraction | None = None
    kind: Literal["image", "video"] = "video"
    path: Path | None = None


@dataclass(frozen=True)
class Labelled:
    """A frame with its labels, as it travels to the writers."""

    frame: Frame
    labels: LabelMap

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """Pixels of each word, then of "unlabelled": (words + 1,)."""
        return self.labels.counts()


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """What a writer is built from: where to write, and about what."""

    folder: Path
    classes: Sequence[ClassInfo]
    source: SourceInfo
    style: OverlayStyle


class Writer(Protocol):
    """Turns labelled frames into files. It is used by one thread only."""

    def add(self, item: Labelled) -> None:
        """Take the next frame."""

    def finish(self) -> None:
        """Complete the files."""

    def abandon(self) -> None:
        """Close the files as they are, without an error; they will be deleted."""


def frame_name(index: int) -> str:
    """The file name of a frame's picture."""
    return f"{index:06d}.png"
