"""Still images: one, or many as the frames of a video."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openvss.errors import BrokenVideoError, InputError
from openvss.video.frame import Frame
from openvss.video.images import image_size
from openvss.video.sources import open_source
from tests.video.clips import DISTINCT, cut, index_of, picture, write_clip, write_frames


def single(path: Path) -> Frame:
    (frame,) = open_source(path)
    return frame


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tiff", ".ppm", ".jp2"])
def test_image_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture(5)).save(path)
    source = open_source(path)
    assert (source.kind, source.size, source.n_frames, source.rate) == ("image", (64, 48), 1, None)
    assert source.path == path
    frame = single(path)
    assert (frame.index, frame.time, frame.pixels.shape) == (0, Fraction(0), (48, 64, 3))
    assert index_of(frame.pixels) == 5


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    Image.fromarray(picture(5)).save(path, format="PNG")
    assert open_source(path).kind == "image"
    write_clip(tmp_path / "b.mp4", n=3).rename(tmp_path / "b.png")
    assert open_source(tmp_path / "b.png").kind == "video"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path: Path, orientation: int) -> None:
    upright = picture(5)
    undo = {1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: 7}[orientation]
    stored = [
        upright,
        upright[:, ::-1],
        upright[::-1, ::-1],
        upright[::-1],
        upright.swapaxes(0, 1),
        np.rot90(upright),
        np.rot90(upright, 2).swapaxes(0, 1),
        np.rot90(upright, -1),
    ][undo]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    assert open_source(tmp_path / "a.png").size == (64, 48)
    assert image_size(tmp_path / "a.png") == (48, 64)
    assert np.array_equal(single(tmp_path / "a.png").pixels, upright)


def test_pixel_modes(tmp_path: Path) -> None:
    wanted = picture(5)
    grey = wanted[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "grey16.png")
    Image.fromarray(wanted).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "palette.png")
    Image.fromarray(wanted).convert("CMYK").save(tmp_path / "cmyk.tif")
    for name in ("grey.png", "grey16.png"):
        assert np.array_equal(single(tmp_path / name).pixels, np.repeat(grey[..., None], 3, axis=2))
    for name in ("palette.png", "cmyk.tif"):
        assert np.abs(single(tmp_path / name).pixels.astype(int) - wanted).max() <= 2


def test_transparency_goes_over_black(tmp_path: Path) -> None:
    rgba = np.dstack([np.full((4, 4, 3), 200, np.uint8), np.zeros((4, 4), np.uint8)])
    rgba[:2, :, 3] = 255
    Image.fromarray(rgba).save(tmp_path / "a.png")
    assert single(tmp_path / "a.png").pixels[:, 0, 0].tolist() == [200, 200, 0, 0]


def test_an_animated_png_is_a_video(tmp_path: Path) -> None:
    first, *rest = [Image.fromarray(picture(i)) for i in range(4)]
    first.save(tmp_path / "a.png", save_all=True, append_images=rest, duration=100)
    source = open_source(tmp_path / "a.png")
    assert source.kind == "video"
    assert [index_of(f.pixels) for f in source] == [0, 1, 2, 3]


def test_folder_in_natural_order(tmp_path: Path) -> None:
    names = [f"shot{i}.png" for i in range(12)]
    folder = write_frames(tmp_path / "shots", names)
    (folder / "notes.txt").write_text("not a frame")
    (folder / "._shot0.png").write_bytes(b"what some systems leave behind")
    (folder / "inner.png").mkdir()
    source = open_source(folder, fps=Fraction(24))
    frames = list(source)
    assert (source.kind, source.size, source.rate, source.n_frames) == ("frames", (64, 48), Fraction(24), 12)
    assert source.path is None
    assert [index_of(f.pixels) for f in frames] == list(range(12))
    assert [f.time for f in frames] == [Fraction(i, 24) for i in range(12)]
    assert {f.duration for f in frames} == {Fraction(1, 24)}


def test_glob(tmp_path: Path) -> None:
    write_frames(tmp_path, ["b10.png", "b2.png", "c3.jpg", "B1.png"])
    assert [index_of(f.pixels) for f in open_source(tmp_path / "[bB]*.png")] == [3, 1, 0]
    assert open_source(tmp_path / "*").n_frames == 4
    assert open_source(str(tmp_path / "**" / "*.jpg")).n_frames == 1


def test_a_name_that_looks_like_a_glob(tmp_path: Path) -> None:
    write_frames(tmp_path, ["a[1].png"])
    assert open_source(tmp_path / "a[1].png").kind == "image"


def test_a_frame_of_another_size_is_named_after_those_before_it(tmp_path: Path) -> None:
    write_frames(tmp_path, ["0.png", "1.png"])
    Image.fromarray(picture(2, (32, 24))).save(tmp_path / "2.png")
    frames = iter(open_source(tmp_path))
    assert [next(frames).index, next(frames).index] == [0, 1]
    with pytest.raises(BrokenVideoError, match=r"2\.png is 32x24, but 0\.png is 64x48"):
        next(frames)


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    for name in ("0.png", "1.png"):
        Image.fromarray(noise).save(tmp_path / name)
    cut(tmp_path / "1.png", 0.5)
    with pytest.raises(BrokenVideoError, match=r"1\.png cannot be read as an image"):
        list(open_source(tmp_path))
    with pytest.raises(InputError, match=r"1\.png cannot be read as an image"):
        open_source(tmp_path / "1.png")
    (tmp_path / "2.png").write_text("not a picture")
    with pytest.raises(InputError, match=r"2\.png holds no frame that can be decoded"):
        open_source(tmp_path / "2.png")


def test_long_sequences_are_told_apart() -> None:
    """The tests above read numbers modulo this."""
    assert DISTINCT > 12
