"""Any input to timed frames: the entry point, which finds out what the input is."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable
from urllib.parse import unquote

from PIL import Image

from openvss.errors import InputError
from openvss.video.arrays import ArrayFrames
from openvss.video.container import VideoFile
from openvss.video.decoding import DEFAULT_RATE
from openvss.video.frame import Frame
from openvss.video.images import ImageFile, ImageSequence, frame_files, is_still
from openvss.video.live import open_camera, open_stream
from openvss.video.picture import Picture


@runtime_checkable
class Source(Protocol):
    """Frames with what is known about them beforehand.

    Iterating gives the frames in order of display with exact timestamps that strictly increase; files and
    streams are read a few frames ahead by a thread. It may be repeated, except for cameras, streams and
    generators of arrays.

    Example:
        >>> import numpy as np, openvss
        >>> source = openvss.open_source([np.zeros((48, 64, 3), np.uint8)] * 2)
        >>> isinstance(source, openvss.Source)
        True
        >>> source.kind, source.size, source.n_frames
        ('arrays', (64, 48), 2)
    """

    @property
    def name(self) -> str:
        """What messages and run.json call it: the input as it was given."""

    @property
    def kind(self) -> Literal["video", "image", "frames", "camera", "stream", "arrays"]:
        """What sort of input it is."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every frame, upright."""

    @property
    def rate(self) -> Fraction | None:
        """Frames per second as the container states it, or as was asked for frames without a clock."""

    @property
    def n_frames(self) -> int | None:
        """How many frames will come; may be an estimate."""

    @property
    def path(self) -> Path | None:
        """The file, if it is one."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read; none for cameras, streams and arrays."""

    def __iter__(self) -> Iterator[Frame]: ...


def open_source(spec: str | Path | Iterable[Picture], *, fps: Fraction | None = None) -> Source:
    """Open any input.

    Args:
        spec: A video or image file, a folder or glob of images, a camera's number as text, an address such as
            `rtsp://...`, or frames in an iterable: uint8 arrays (H, W, 3), (H, W) or (H, W, 4), PIL images or
            paths of images.
        fps: Frames per second of images in a folder and of arrays, which have no clock; default 15.

    Raises:
        InputError: It cannot be used; the message says why. While iterating, the same is raised for a bad
            frame among arrays, and BrokenVideoError for a video or a sequence of images that breaks partway.

    Example:
        >>> from fractions import Fraction
        >>> import numpy as np, openvss
        >>> frames = [np.zeros((48, 64, 3), np.uint8)] * 3  # or "clip.mp4", "frames/", "rtsp://..."
        >>> [str(frame.time) for frame in openvss.open_source(frames, fps=Fraction(25))]
        ['0', '1/25', '2/25']
    """
    if fps is not None and fps <= 0:
        raise InputError(f"A rate of {fps} frames per second is not possible; give a positive number.")
    if isinstance(spec, str | Path):
        return _open_named(str(spec).strip(), fps)
    if isinstance(spec, Image.Image):
        raise InputError("An image is one frame; put it into a list.")
    if not isinstance(spec, Iterable):
        raise InputError(f"An input of type {type(spec).__name__} cannot be read; give a path or arrays.")
    return ArrayFrames(spec, fps or DEFAULT_RATE)


def _open_named(spec: str, fps: Fraction | None) -> Source:
    if not spec:
        raise InputError(
            "The input is empty; give a video, an image, a folder of frames, a camera or an address."
        )
    frames = _frames_of(spec)
    if frames is not None:
        return ImageSequence(frames, spec, fps or DEFAULT_RATE)
    source = _open_clocked(spec)
    if fps is not None:
        raise InputError(
            f"{source.name} is one image and has no rate; leave out --fps."
            if source.kind == "image"
            else f"{source.name} has its own clock; leave out --fps, which is for folders of frames."
        )
    return source


def _open_clocked(spec: str) -> Source:
    """Everything but a folder or glob."""
    if spec.isdecimal():
        return open_camera(spec)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", spec) and not spec.startswith("file://"):
        return open_stream(spec)
    path = _path(spec)
    _check_readable(path)
    return ImageFile(path, spec) if is_still(path) else VideoFile(path, spec)


def _frames_of(spec: str) -> list[Path] | None:
    """The files of a folder or glob; None if it is neither."""
    if spec.isdecimal() or ("://" in spec and not spec.startswith("file://")):
        return None
    path = _path(spec)
    if path.is_dir():
        frames = frame_files(path.iterdir())
        if not frames:
            raise InputError(f"The folder {spec} holds no images; give a folder of frames or a video file.")
        return frames
    if not glob.has_magic(spec) or path.exists():
        return None
    # Path.glob takes no absolute patterns.
    frames = frame_files(Path(match) for match in glob.iglob(str(path), recursive=True))  # noqa: PTH207
    if not frames:
        raise InputError(f"No image matches {spec}; check the pattern, or give one video file.")
    return frames


def _path(spec: str) -> Path:
    try:
        path = Path(
            unquote(spec.removeprefix("file://")) if spec.startswith("file://") else spec
        ).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long, no such user, a zero byte
        raise InputError(f"{spec[:80]} cannot be an input ({_why(error)}); check the path.") from error
    return path


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _check_readable(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    if not path.is_file():
        raise InputError(f"{path} is not a regular file; give a video, an image or a folder of frames.")
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); check its permissions.") from error
    if is_empty:
        raise InputError(f"{path} is an empty file; get a complete copy.")
