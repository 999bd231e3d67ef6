"""Labelled frames and source clips that the output tests make themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.codec.context import CodecContext

from openvss.video.formats.classes import ClassInfo, class_infos
from openvss.video.formats.contract import Labelled
from openvss.video.frame import Frame
from openvss.video.labelmap import LabelMap, Labels, label_dtype, unlabelled_id

WORDS = ("person", "road", "sky", "traffic light")
NTSC = Fraction(30000, 1001)
SAMPLES = 1024  # per channel in one audio frame


def words(number: int) -> tuple[str, ...]:
    return tuple(f"word {i}" for i in range(number))


def classes(names: Sequence[str] = WORDS) -> tuple[ClassInfo, ...]:
    return class_infos([(name, ()) for name in names])


def items(
    number: int = 6,
    size: tuple[int, int] = (48, 36),
    names: Sequence[str] = WORDS,
    rate: Fraction = NTSC,
    times: Sequence[Fraction] | None = None,
) -> list[Labelled]:
    """Smooth pictures with blocky labels, some of them unlabelled, different in every frame."""
    width, height = size
    rng = np.random.default_rng(number)
    made = []
    for index in range(number):
        blocks = rng.integers(0, len(names) + 1, (-(-height // 7), -(-width // 9)))
        blocks[blocks == len(names)] = unlabelled_id(len(names))
        blocks[-1, -1] = unlabelled_id(len(names))  # at least some
        large = np.kron(blocks, np.ones((7, 9), dtype=np.int64))[:height, :width]
        labels: Labels = (
            large.astype(np.uint8) if label_dtype(len(names)) is np.uint8 else large.astype(np.uint16)
        )
        time = times[index] if times else index / rate
        made.append(labelled(index, labels, names, time, 1 / rate))
    return made


def labelled(
    index: int,
    labels: Labels,
    names: Sequence[str] = WORDS,
    time: Fraction = Fraction(0),
    duration: Fraction | None = None,
) -> Labelled:
    height, width = labels.shape
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x * 255 // width, y * 255 // height, (x + y + 8 * index) % 256], axis=-1)
    confidence = np.full(labels.shape, 0.5 + index / 100, dtype=np.float32)
    return Labelled(
        Frame(index, time, pixels.astype(np.uint8), duration),
        LabelMap(labels, confidence, tuple(names), index, time),
    )


def write_source(
    path: Path,
    *,
    audio: str | None = None,
    frames: int = 10,
    rate: Fraction = Fraction(25),
    video_start: Fraction = Fraction(0),
    audio_start: Fraction = Fraction(0),
    audio_rate: int = 48_000,
    audio_frames: int = 20,
    layout: str = "mono",
    pixel_shape: Fraction | None = None,
) -> Path:
    """A small clip with an optional tone; the starts are on the container's clock."""
    with av.open(str(path), "w") as file:
        # Streams begin where they are told to, not where the muxer would like them to.
        video = file.add_stream("mpeg4", rate=rate)
        video.width, video.height, video.pix_fmt = 48, 36, "yuv420p"
        if pixel_shape:
            video.codec_context.sample_aspect_ratio = pixel_shape
        sound = file.add_stream(audio, rate=audio_rate, layout=layout) if audio else None
        for index in range(frames):
            grey = np.full((36, 48, 3), 20 * index % 256, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.time_base = 1 / rate
            frame.pts = index + round(video_start * rate)
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
        if isinstance(sound, AudioStream):
            for sample in _tone(sound.codec_context, audio_frames, audio_rate, audio_start):
                file.mux(sound.encode(sample))
            file.mux(sound.encode(None))
    return path


def _tone(context: CodecContext, frames: int, rate: int, start: Fraction) -> Iterator[av.AudioFrame]:
    for index in range(frames):
        wave = np.sin(np.arange(index * SAMPLES, (index + 1) * SAMPLES) / 20) * 8000
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = index * SAMPLES + round(start * rate)
        yield frame
