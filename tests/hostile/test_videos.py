"""Damaged videos of many containers and codecs: a finished folder or one sentence, and no silent loss."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from openvss.errors import BrokenVideoError, InputError
from openvss.segmenting.job import fill
from openvss.segmenting.segmenter import Segmenter
from openvss.video.frame import Frame
from openvss.video.labelmap import LabelMap
from openvss.video.sinks import OutputFolder, SourceInfo, class_infos
from openvss.video.sources import Source, open_source
from tests.hostile.campaign import DAMAGES, check_folder, require_sentence, tally, watchdog
from tests.video.clips import Pixels, picture, write_clip

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")  # of damaged pictures

N = 12
SEEDS = 3
WORDS = ("dark", "bright")
# The same bytes in every run: x264 varies unless its quantiser is given, and Matroska's ids are random.
X264 = {"g": "4", "qp": "23", "threads": "1"}
EXACT = {"fflags": "+bitexact"}
# None of these is from another one, so a graft changes what the file says that it is.
CLIPS: dict[str, dict[str, Any]] = {
    "h264.mp4": {"options": X264, "container_options": {"movflags": "faststart"}},
    "sound.mp4": {"options": X264, "audio": True},
    "fragments.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}, "options": X264},
    "animation.mov": {"codec": "qtrle", "pix_fmt": "rgb24"},
    "h264.mkv": {"options": X264, "container_options": EXACT},
    "vp9.webm": {"options": {"threads": "1"}, "container_options": EXACT},
    "mpeg4.avi": {},
    "jpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "h264.ts": {"options": X264},
    "mpeg2.mpg": {"fps": 25},
    "flash.flv": {"codec": "flv1"},
    "loop.gif": {"pix_fmt": "gray"},
    "loop.apng": {"codec": "apng", "pix_fmt": "rgb24"},
    "raw.h264": {"options": X264},
    "mpeg4.nut": {"codec": "mpeg4"},
}
# Streams that may begin or end anywhere, and without times of their own.
NO_START, NO_TRACE = {"h264.ts", "flash.flv"}, {"raw.h264", "loop.gif"}


class Threshold:
    """In place of a model: bright and dark pixels."""

    def begin(self, source: Source) -> None: ...

    def skip(self, frame: Frame) -> None: ...

    def step(self, frame: Frame) -> LabelMap:
        labels = (frame.pixels.mean(axis=2) > 90).astype(np.uint8)
        return LabelMap(labels, np.ones(labels.shape, np.float32), WORDS, frame.index, frame.time)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("clips")
    noise = np.random.default_rng(0)
    frames: list[Pixels] = [picture(i) for i in range(N)]
    for frame in frames:
        frame[:24, :32] = noise.integers(0, 256, (24, 32, 3))
    return {name: write_clip(folder / name, frames=frames, **how).read_bytes() for name, how in CLIPS.items()}


def segment(path: Path, out: Path) -> tuple[int, str | None]:
    """Frames of the finished folder, and why the video ended early."""
    source = open_source(path)
    info = SourceInfo(source.size, source.rate, "video", source.path)
    classes = class_infos([(word, (word,)) for word in WORDS])
    outputs = OutputFolder(out, classes=classes, formats=("png", "overlay"), run={}, source=info)
    frames, broken = fill(outputs, source, cast(Segmenter, Threshold()))
    check_folder(out, frames, source.size, len(WORDS))
    return frames, broken


def outcome(path: Path, out: Path) -> tuple[str, int]:
    """How it ended, and after how many frames."""
    try:
        with watchdog():
            frames, broken = segment(path, out)
    except (InputError, BrokenVideoError) as error:
        require_sentence(error)
        assert not out.exists(), list(out.rglob("*"))
        return "refused", 0
    return ("broken" if broken else "whole"), frames


@pytest.mark.parametrize("name", CLIPS)
def test_damaged_videos(
    clips: dict[str, bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    path, counts = tmp_path / name, Counter[str]()
    others = [data for other, data in clips.items() if other != name]
    path.write_bytes(clips[name])
    assert outcome(path, tmp_path / "out") == ("whole", N)
    for damage, make in DAMAGES.items():
        for seed in range(SEEDS):
            rng = random.Random(f"{name} {damage} {seed}")
            path.write_bytes(make(clips[name], rng.choice(others), rng))
            how, frames = outcome(path, tmp_path / f"{damage}{seed}")
            warned = "frames may be missing" in caplog.text
            caplog.clear()
            if how == "whole" and frames < N:
                how = "a few lost, with a warning" if warned else "a few lost in silence"
                may_be_silent = name in NO_TRACE or (name in NO_START and damage != "cut")
                assert warned or may_be_silent, (damage, seed)
            elif how == "whole":
                assert not warned, (damage, seed)
            counts[how] += 1
    tally(counts)
