"""A picture that every machine draws alike, for numbers that must not drift."""

import numpy as np
import numpy.typing as npt


def scene(height: int = 96, width: int = 128) -> npt.NDArray[np.uint8]:
    """Blue above green, a brown trunk with a dark green crown: sky, grass, tree."""
    y, x = np.mgrid[:height, :width]
    shade = (x * 7 + y * 13) % 23
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:] = np.stack([110 + shade, 170 + shade, 225 + shade], axis=-1)
    below = y > height * 5 // 8
    pixels[below] = np.stack([60 + shade, 140 + shade, 50 + shade], axis=-1)[below]
    trunk = (abs(x - width // 2) < 5) & (y > height // 2) & (y < height * 3 // 4)
    pixels[trunk] = (90, 60, 30)
    crown = (x - width // 2) ** 2 + (y - height // 3) ** 2 < (height // 4) ** 2
    pixels[crown] = np.stack([20 + shade, 80 + shade, 25 + shade], axis=-1)[crown]
    return pixels
