"""Streaming: flat memory over 10,000 frames, and how much of the model's speed the whole pipeline keeps.

Run `python -m benchmarks.stream`; it prints two tables and the machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import psutil

from benchmarks.machine import describe
from openvss.segmenting.job import Job, Progress
from openvss.segmenting.settings import StreamSettings
from openvss.video.frame import Frame
from openvss.video.sources import open_source

WORDS = "person, bicycle, car, road, sky, tree, building, grass, water, wall"
FORMATS = ("png", "overlay")


def scene(n: int, width: int, height: int) -> Iterator[npt.NDArray[np.uint8]]:
    """A textured background that pans, and discs that move over it."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 8 + 2, width // 4 + 2, 3), np.uint8)
    texture = coarse.repeat(8, 0).repeat(8, 1)[:height]
    texture = np.clip(texture.astype(np.int16) + rng.integers(-20, 20, texture.shape), 0, 255).astype(
        np.uint8
    )
    y, x = np.mgrid[:height, :width]
    for i in range(n):
        frame = np.roll(texture, -2 * i, axis=1)[:, :width].copy()
        for k, colour in enumerate([(220, 40, 40), (40, 160, 220), (240, 220, 60)]):
            cx = width / 2 + width / 3 * np.sin(i / 40 + 2 * k)
            cy = height / 2 + height / 3 * np.cos(i / 55 + k)
            frame[(x - cx) ** 2 + (y - cy) ** 2 < (height / 6) ** 2] = colour
        yield frame


def write_clip(path: Path, n: int, width: int, height: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(30), options={"preset": "veryfast", "crf": "23"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for pixels in scene(n, width, height):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def pipeline(job: Job, clip: Path, out: Path) -> float:
    """Seconds from opening the clip to the finished folder."""
    start = time.perf_counter()
    job.run(open_source(clip), out)
    return time.perf_counter() - start


def memory(n: int, folder: Path) -> None:
    clip = folder / "long.mp4"
    write_clip(clip, n, 160, 96)
    process = psutil.Process()
    rss: list[int] = []

    def watch(told: Progress) -> None:
        if told.done % 100 == 0:
            rss.append(process.memory_info().rss)

    settings = StreamSettings(size=96, device="cpu")
    pipeline(Job(WORDS, formats=FORMATS, settings=settings, on_progress=watch), clip, folder / "long")
    warm = len(rss) // 10
    before = statistics.median(rss[warm : 2 * warm])
    after = statistics.median(rss[-warm:])
    print(
        "\n| frames | resident after warm-up (MB) | at the end (MB) | growth |\n| ---: | ---: | ---: | ---: |"
    )
    print(f"| {n} | {before / 1e6:.1f} | {after / 1e6:.1f} | {(after / before - 1) * 100:+.2f} % |")


def throughput(n: int, repeats: int, folder: Path) -> None:
    job = Job(WORDS, formats=FORMATS, settings=StreamSettings(device="cpu"))
    segmenter = job.segmenter
    clip = folder / "short.mp4"
    write_clip(clip, n, 854, 480)
    frames: list[Frame] = list(open_source(clip))
    model, whole = [], []
    for i in range(repeats + 1):  # the first round warms up
        segmenter.reset()
        start = time.perf_counter()
        for frame in frames:
            segmenter.step(frame)
        model.append(n / (time.perf_counter() - start))
        whole.append(n / pipeline(job, clip, folder / f"short{i}"))
    ratios = [b / a for a, b in zip(model[1:], whole[1:], strict=True)]
    print(f"\n| {n} frames of 854x480, {repeats} rounds | frames/s (median) |\n| --- | ---: |")
    print(f"| Segmenter.step, frames in memory | {statistics.median(model[1:]):.2f} |")
    print(f"| H.264 in, masks and overlay out | {statistics.median(whole[1:]):.2f} |")
    print(
        f"| ratio, median (min to max) | {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000, help="length of the memory test")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        throughput(90, arguments.repeats, Path(name))
        memory(arguments.frames, Path(name))


if __name__ == "__main__":
    main()
