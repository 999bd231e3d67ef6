"""Tiny videos and pictures that tests make themselves, with the frame's number written into its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container.output import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from PIL import Image

Pixels = npt.NDArray[np.uint8]

CODECS = {".gif": "gif", ".webm": "libvpx-vp9", ".avi": "mpeg4", ".mpg": "mpeg2video", ".ts": "libx264"}
AUDIO_CODECS = {".webm": "libopus", ".avi": "pcm_s16le", ".mpg": "mp2"}
SAMPLE_RATE = 48000
GREY_STEP = 9
DISTINCT = 24


def picture(index: int, size: tuple[int, int] = (64, 48)) -> Pixels:
    """(H, W, 3): red, green and blue quarters, which turns move; the grey of the fourth tells `index`."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    left, top = slice(0, width // 2), slice(0, height // 2)
    right, bottom = slice(width // 2, None), slice(height // 2, None)
    pixels[top, left] = (200, 30, 30)
    pixels[top, right] = (30, 200, 30)
    pixels[bottom, left] = (30, 30, 200)
    pixels[bottom, right] = 20 + GREY_STEP * (index % DISTINCT)
    return pixels


def index_of(pixels: Pixels) -> int:
    """The number (modulo 24) that `picture` wrote, read from the upright frame."""
    height, width = pixels.shape[:2]
    grey = pixels[height * 5 // 8 : height * 7 // 8, width * 5 // 8 : width * 7 // 8]
    return round((float(grey.mean()) - 20) / GREY_STEP)


def write_clip(
    path: Path,
    *,
    n: int = 8,
    size: tuple[int, int] = (64, 48),
    fps: Fraction | int = 15,
    codec: str | None = None,
    pix_fmt: str = "yuv420p",
    frames: Sequence[Pixels] | None = None,
    start: Fraction | int = 0,
    times: Sequence[Fraction] | None = None,
    time_base: Fraction | None = None,
    rotation: float = 0,
    flipped: bool = False,
    audio: bool = False,
    matrix: Colorspace | None = None,
    full_range: bool | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write `frames` (default: `n` times `picture`) as a video whose container follows from the suffix.

    Args:
        times: Seconds of each frame; default: every 1/fps from `start`.
        rotation: Degrees clockwise by which a player has to turn the picture; `flipped` mirrors it then.
        matrix: Converted with and tagged as this; untagged files leave it out.
        full_range: The same for the range of values.
        options: The encoder's, such as `{"bf": "2", "g": "8"}`.
        container_options: The muxer's, such as `{"movflags": "faststart"}`.
    """
    rate = Fraction(fps)
    tick = time_base or 1 / rate
    pictures = [picture(i, size) for i in range(n)] if frames is None else frames
    seconds = times or [start + i / rate for i in range(len(pictures))]
    with av.open(path, "w", container_options=container_options or {}) as container:
        codec = codec or CODECS.get(path.suffix, "libx264")
        stream = container.add_stream(codec, rate=rate, options=options or {})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = tick
        if matrix is not None:
            stream.codec_context.colorspace = matrix
        if full_range is not None:
            stream.codec_context.color_range = ColorRange.JPEG if full_range else ColorRange.MPEG
        if rotation or flipped:
            stream.set_display_rotation(-rotation, hflip=flipped)
        sound = _add_audio(container, AUDIO_CODECS.get(path.suffix, "aac")) if audio else None
        for pixels, second in zip(pictures, seconds, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24" if pixels.shape[2] == 3 else "rgba").reformat(
                format=pix_fmt,
                dst_colorspace=matrix,
                dst_color_range=None
                if full_range is None
                else ColorRange.JPEG
                if full_range
                else ColorRange.MPEG,
                interpolation="FULL_CHR_H_INP",
            )
            frame.pts, frame.time_base = round(second / tick), tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            _write_tone(container, sound, seconds=Fraction(len(pictures)) / rate)
    return path


def _add_audio(container: OutputContainer, codec: str) -> AudioStream:
    stream = container.add_stream(codec, rate=SAMPLE_RATE)
    assert isinstance(stream, AudioStream)
    return stream


def _write_tone(container: OutputContainer, stream: AudioStream, *, seconds: Fraction) -> None:
    wave = (3000 * np.sin(np.arange(int(SAMPLE_RATE * seconds)) * 0.05)).astype(np.int16)
    for start in range(0, len(wave), 1024):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], "s16", "mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def write_frames(folder: Path, names: Sequence[str], *, size: tuple[int, int] = (64, 48)) -> Path:
    """Write `picture(0)`, `picture(1)`, ... under these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        Image.fromarray(picture(i, size)).save(folder / name)
    return folder


def cut(path: Path, share: float) -> Path:
    """Keep only this share of the file's bytes, as an interrupted copy does."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
