"""Still images: one picture, or a folder or glob of them as the frames of a video."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import ExifTags, Image, ImageOps

from openvss.errors import BrokenVideoError, InputError
from openvss.video.frame import Frame
from openvss.video.part import Part, Picker, clock
from openvss.video.pixels import Pixels, over_black
from openvss.video.prefetch import prefetch

# Only formats that are nothing but pictures: Pillow would run a PostScript interpreter for EPS.
FORMATS = ("BMP", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
SUFFIXES = {".bmp", ".jpg", ".jpeg", ".jp2", ".png", ".pgm", ".ppm", ".tif", ".tiff", ".webp"}
MAY_MOVE = {"PNG", "WEBP"}


class ImageFile:
    """One picture, as a video of one frame."""

    kind: Literal["image"] = "image"
    rate: Fraction | None = None
    n_frames: int | None = 1
    part = Part()

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name, self.files = path, name, (path,)
        height, width = read_image(path).shape[:2]
        self.size = (width, height)

    def __iter__(self) -> Iterator[Frame]:
        yield Frame(0, Fraction(0), read_image(self.path))


class ImageSequence:
    """Pictures of one size in the order given, at a constant rate, or a part of them.

    Each file is read when its turn comes, so the video breaks at an unreadable or differently sized one.
    """

    kind: Literal["frames"] = "frames"
    path: Path | None = None

    def __init__(self, paths: Sequence[Path], name: str, rate: Fraction, part: Part | None = None) -> None:
        self.name, self.rate, self.part = name, rate, part or Part()
        picker, end = Picker(self.part), len(paths)
        self._places = []  # of the wanted ones
        for place in range(len(paths)):
            if picker.picks(place / rate):
                self._places.append(place)
            if picker.over:
                end = place
                break
        if not self._places:
            raise InputError(
                f"{name} has no frame {self.part}: its {len(paths)} frames at {rate} a second (--fps) last "
                f"{clock(len(paths) / rate)}."
            )
        self._ends = [*self._places[1:], end]
        self._paths = self.files = tuple(paths[place] for place in self._places)
        self.n_frames = len(self.files)
        height, width = read_image(self.files[0]).shape[:2]
        self.size = (width, height)

    def __iter__(self) -> Iterator[Frame]:
        return prefetch(self._frames())

    def frame(self, index: int) -> Frame:
        """One of them; BrokenVideoError if it cannot be read or has another size than the first."""
        path, place = self._paths[index], self._places[index]
        try:
            pixels = read_image(path)
        except InputError as error:
            raise BrokenVideoError(str(error)) from error
        height, width = pixels.shape[:2]
        if (width, height) != self.size:
            raise BrokenVideoError(
                f"{path} is {width}x{height}, but {self._paths[0].name} is {self.size[0]}x{self.size[1]};"
                " all frames of a video have one size."
            )
        return Frame(index, place / self.rate, pixels, (self._ends[index] - place) / self.rate)

    def _frames(self) -> Generator[Frame, None, None]:
        yield from map(self.frame, range(self.n_frames))


def is_still(path: Path) -> bool:
    """Whether the file's content is a picture that does not move, whatever its name."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return not (image.format in MAY_MOVE and getattr(image, "is_animated", False))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False


def is_webp(path: Path) -> bool:
    """Whether the file begins as WebP does."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"WEBP"


def frame_files(paths: Iterator[Path]) -> list[Path]:
    """Those that are pictures by their suffix, in natural order: frame2 before frame10."""
    pictures = [path for path in paths if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    return sorted((path for path in pictures if path.is_file()), key=_natural)


def read_image(path: Path) -> Pixels:
    """The upright picture as RGB; EXIF orientation applied, transparency over black, 16 bits cut to 8."""
    with _opened(path) as image:
        return upright(image)


def upright(image: Image.Image) -> Pixels:
    """The pixels of an open picture, made RGB like those of `read_image`."""
    return _rgb(ImageOps.exif_transpose(image))


def image_size(path: Path) -> tuple[int, int]:
    """Height and width of `read_image`, from the header alone."""
    with _opened(path) as image:
        turned = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
        return (image.width, image.height) if turned else (image.height, image.width)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path, formats=FORMATS) as image:
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} cannot be read as an image; replace or remove it.") from error


def _rgb(image: Image.Image) -> Pixels:
    if image.mode.startswith("I"):  # Pillow clips 16-bit greys instead of scaling them
        grey = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no defined white")
    if image.has_transparency_data:
        return over_black(np.array(image.convert("RGBA")))
    return np.array(image.convert("RGB"))


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Numbers compare as numbers, everything else as text."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts]
