"""One decoded frame."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from openvss.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Pixels with their place in the video.

    Attributes:
        index: 0, 1, 2, ... in the order of display.
        time: Exact timestamp in seconds, as the container gives it (it need not start at 0).
        pixels: (H, W, 3) uint8 RGB, upright.
        duration: Seconds until the next frame, where the container says so.

    Raises:
        InputError: The pixels are something else.

    Example:
        >>> from fractions import Fraction
        >>> import numpy as np, openvss
        >>> frame = openvss.Frame(0, Fraction(0), np.zeros((48, 64, 3), np.uint8))
        >>> openvss.load("tiny", "dog, grass", size=64, device="cpu").step(frame).labels.shape
        (48, 64)
    """

    index: int
    time: Fraction
    pixels: npt.NDArray[np.uint8]
    duration: Fraction | None = None

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise InputError(
                f"The pixels of a Frame are uint8 of shape (H, W, 3), not {pixels.dtype} of {pixels.shape}: "
                "convert them, or give them without a Frame."
            )
