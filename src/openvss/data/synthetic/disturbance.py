"""What makes single frames hard to read while their labels stay true, so that other frames help."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from openvss.errors import InputError
from openvss.video.pixels import Pixels

PATCH = 0.45  # side of a lost patch, as a share of the frame's sides
PATCH_GREY = 128


@dataclass(frozen=True)
class Disturbance:
    """How much each frame is disturbed, drawn separately for every frame.

    Attributes:
        noise: Standard deviation of the noise on values in 0..1.
        blur: Largest radius of a blur, as a share of the short side.
        occlusion: Probability that a grey patch hides a part of the frame.
    """

    noise: float = 0.0
    blur: float = 0.0
    occlusion: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise InputError(
                    f"The {name} of synthetic frames must be a fraction from 0 to 1, not {value}."
                )

    def apply(self, pixels: Pixels, rng: random.Random) -> Pixels:
        """A disturbed copy of (H, W, 3) pixels."""
        height, width = pixels.shape[:2]
        # All is drawn whether it is used or not: what one setting does is the same whatever the others are.
        blur, hidden, at_x, at_y = (rng.random() for _ in range(4))
        noise_seed = rng.getrandbits(64)
        if self.occlusion > hidden:
            top, left = (int(at * (1 - PATCH) * side) for at, side in ((at_y, height), (at_x, width)))
            pixels = pixels.copy()
            pixels[top : top + round(PATCH * height), left : left + round(PATCH * width)] = PATCH_GREY
        if self.blur:
            filtered = ImageFilter.GaussianBlur(self.blur * blur * min(height, width))
            pixels = np.asarray(Image.fromarray(pixels).filter(filtered))
        if self.noise:
            noise = np.random.default_rng(noise_seed).normal(0, 255 * self.noise, pixels.shape)
            pixels = (pixels + noise).clip(0, 255).round().astype(np.uint8)
        return pixels
