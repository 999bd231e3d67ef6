"""One picture in whatever form Python code holds it, as pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from openvss.errors import InputError
from openvss.video.images import is_still, read_image, upright
from openvss.video.pixels import Pixels, over_black

Picture = npt.NDArray[Any] | Image.Image | str | Path
"""What `to_pixels` makes pixels of."""

WANTED = "give a PIL image, the path of an image, or a uint8 array of shape (H, W, 3), (H, W) or (H, W, 4)"


def to_pixels(picture: object, name: str) -> Pixels:
    """A copy as upright (H, W, 3) uint8 RGB.

    Grey becomes RGB, and transparency is composited over black. PIL images are turned as their EXIF data say,
    as image files are.

    Args:
        picture: An array in RGB order, a PIL image of any mode, or the path of an image file.
        name: What messages call it, such as "Frame 3".
    """
    if isinstance(picture, np.ndarray):
        return _from_array(picture, name)
    if isinstance(picture, Image.Image):
        return _from_image(picture, name)
    if isinstance(picture, str | Path):
        return _from_file(Path(picture).expanduser())
    if type(picture).__name__ == "Tensor":
        raise InputError(
            f"{name} is a tensor: give uint8 pixels as an array, which for (3, H, W) is "
            "tensor.permute(1, 2, 0).cpu().numpy()."
        )
    raise InputError(f"{name} is of type {type(picture).__name__}; {WANTED}.")


def _from_array(array: npt.NDArray[Any], name: str) -> Pixels:
    if np.issubdtype(array.dtype, np.floating):
        raise InputError(
            f"{name} is {array.dtype}: give uint8, which for values from 0 to 1 is "
            '(array * 255).round().astype("uint8").'
        )
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if array.dtype != np.uint8 or not is_picture or not array.size:
        raise InputError(f"{name} is {array.dtype} of shape {array.shape}; {WANTED}.")
    if array.ndim == 2:
        return np.repeat(array[..., None], 3, axis=2)
    return over_black(array) if array.shape[2] == 4 else np.array(array, order="C")


def _from_image(image: Image.Image, name: str) -> Pixels:
    try:
        pixels = upright(image)
    except (OSError, SyntaxError, ValueError, AssertionError) as error:  # the last if its file is closed
        raise InputError(
            f"{name} is a PIL image of mode {image.mode} that cannot be read: convert it to RGB while its "
            "file is open."
        ) from error
    if not pixels.size:
        raise InputError(f"{name} is an image without pixels; {WANTED}.")
    return pixels


def _from_file(path: Path) -> Pixels:
    if not path.is_file():
        raise InputError(f"{path} is no image file: check the path.")
    if not is_still(path):
        raise InputError(f"{path} is not an image that can be read: use stream() if it is a video.")
    return read_image(path)
