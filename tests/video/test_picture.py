"""Pictures in every form that Python code holds them in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from openvss.errors import InputError
from openvss.video.images import read_image
from openvss.video.picture import to_pixels
from tests.video.clips import picture

RGB = picture(3, (6, 4))


def image(mode: str) -> Image.Image:
    return Image.fromarray(RGB).convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "I;16"])
def test_every_mode_is_read_as_from_a_file(mode: str, tmp_path: Path) -> None:
    made = image(mode)
    if mode == "I;16":
        made = Image.fromarray(np.full((4, 6), 0x4D31, np.uint16))
    pixels = to_pixels(made, "Frame 0")
    assert pixels.shape == (4, 6, 3)
    assert pixels.dtype == np.uint8
    if mode not in ("HSV", "YCbCr"):
        made.save(tmp_path / "a.tif")
        assert np.array_equal(pixels, read_image(tmp_path / "a.tif"))
    if mode == "I;16":
        assert (pixels == 0x4D).all()


@pytest.mark.parametrize("turn", range(1, 9))
def test_images_are_turned_like_files(turn: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    image("RGB").save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as opened:
        pixels = to_pixels(opened, "Frame 0")
    assert pixels.shape == ((4, 6, 3) if turn < 5 else (6, 4, 3))
    for given in (tmp_path / "a.png", str(tmp_path / "a.png")):
        assert np.array_equal(to_pixels(given, "Frame 0"), pixels)
    assert np.array_equal(pixels, RGB) == (turn == 1)


def test_grey_and_transparent_arrays_become_rgb() -> None:
    assert np.array_equal(to_pixels(RGB[..., 0], ""), np.dstack([RGB[..., 0]] * 3))
    see_through = np.dstack([RGB, np.full((4, 6), 51, np.uint8)])
    assert np.abs(to_pixels(see_through, "") - RGB / 5).max() <= 0.5


def test_the_pixels_are_a_copy() -> None:
    given = RGB.copy()
    pixels = to_pixels(given[:, ::-1], "")
    given[:] = 0
    assert np.array_equal(pixels, RGB[:, ::-1])
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (RGB / 255, r'^Frame 7 is float64: give uint8, .* \(array \* 255\)\.round\(\)\.astype\("uint8"\)\.$'),
        (RGB.astype(np.float16), "is float16: give uint8"),
        (RGB.astype(np.uint16), r"^Frame 7 is uint16 of shape \(4, 6, 3\); give a PIL image, the path"),
        (RGB.transpose(2, 0, 1), r"uint8 of shape \(3, 4, 6\)"),
        (RGB[:0], "shape"),
        (RGB[0, 0], "shape"),
        (torch.from_numpy(RGB), r"^Frame 7 is a tensor: give uint8 .* tensor\.permute\(1, 2, 0\)\.cpu"),
        (Image.fromarray(RGB[..., 0] / np.float32(255)), "mode F that cannot be read: convert it to RGB"),
        (Image.new("RGB", (0, 4)), "an image without pixels"),
        (RGB.tolist(), "is of type list; give a PIL image"),
        (b"frame.png", "is of type bytes"),
        ("nowhere.png", "nowhere.png is no image file: check the path"),
        (".", "is no image file"),
    ],
)
def test_anything_else_is_one_sentence(given: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        to_pixels(given, "Frame 7")


def test_a_video_is_not_a_picture(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"film")
    with pytest.raises(InputError, match=r"a\.mp4 is not an image .* use stream\(\) if it is a video"):
        to_pixels(tmp_path / "a.mp4", "Frame 0")


def test_a_closed_image_is_a_sentence(tmp_path: Path) -> None:
    image("RGB").save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as opened:
        pass
    with pytest.raises(InputError, match="Frame 0 is a PIL image"):
        to_pixels(opened, "Frame 0")
