"""Pictures that Python code holds, such as arrays, as the frames of a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np

from openvss.errors import InputError
from openvss.video.frame import Frame
from openvss.video.picture import WANTED, Picture, to_pixels


class ArrayFrames:
    """An iterable of pictures at a constant rate; a generator can be read once, a list repeatedly."""

    kind: Literal["arrays"] = "arrays"
    name = "arrays"
    path: Path | None = None
    files: tuple[Path, ...] = ()

    def __init__(self, arrays: Iterable[Picture], rate: Fraction) -> None:
        if isinstance(arrays, np.ndarray) and arrays.ndim < 4:
            raise InputError(f"An array of shape {arrays.shape} is one frame; put it into a list.")
        self.rate = rate
        self.n_frames = len(arrays) if isinstance(arrays, Sized) else None
        iterator = iter(arrays)
        self._is_one_shot = iterator is arrays
        self._is_used_up = False
        first = next(iterator, None)
        if first is None:
            raise InputError(f"There are no frames in the arrays; {WANTED}.")
        self._arrays = chain([first], iterator) if self._is_one_shot else arrays
        height, width = to_pixels(first, "Frame 0").shape[:2]
        self.size = (width, height)

    def __iter__(self) -> Iterator[Frame]:
        if self._is_one_shot and self._is_used_up:
            raise InputError(
                "These arrays came from a generator and are used up; give a list to go through them twice."
            )
        self._is_used_up = True
        return self._frames()

    def _frames(self) -> Iterator[Frame]:
        for index, array in enumerate(self._arrays):
            pixels = to_pixels(array, f"Frame {index}")
            height, width = pixels.shape[:2]
            if (width, height) != self.size:
                raise InputError(
                    f"Array {index} is {width}x{height}, but the first is {self.size[0]}x{self.size[1]}; "
                    "all frames of a video must have the same size."
                )
            yield Frame(index, index / self.rate, pixels, 1 / self.rate)
