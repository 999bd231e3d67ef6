"""One decoded frame."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Pixels with their place in the video.

    Attributes:
        index: 0, 1, 2, ... in the order of display.
        time: Exact timestamp in seconds, as the container gives it (it need not start at 0).
        pixels: (H, W, 3) uint8 RGB, upright.
        duration: Seconds until the next frame, where the container says so.

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
