"""Scoring against decoding: the metrics should cost no more than reading the masks, and no memory.

Run `python -m benchmarks.evaluate`; it prints two tables and the machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
from PIL import Image

from benchmarks.machine import describe
from openvss.data.base import Clip
from openvss.data.labels import read_ids
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.metrics.confusion import Confusion
from openvss.evaluation.metrics.consistency import VideoMeter
from openvss.evaluation.protocol import find_protocol
from openvss.evaluation.video_scores import score_video
from openvss.words.vocabulary import Vocabulary

CLASSES, IGNORE, SIZE = 124, 255, (480, 853)
PROTOCOLS = ("plain", "vspw-80-44-unseen")
Ids = npt.NDArray[np.uint8]


def label_video(n: int, regions: int, seed: int) -> Iterator[Ids]:
    """Blobs of many classes that drift: nearest of `regions` moving points, a few pixels ignored."""
    rng = np.random.default_rng(seed)
    height, width = SIZE
    place = rng.uniform(0, 1, (regions, 2)) * SIZE
    speed = rng.normal(0, 1.5, (regions, 2))
    classes = rng.integers(0, CLASSES, regions).astype(np.uint8)
    y, x = np.mgrid[: height // 4, : width // 4 + 1] * 4
    for _ in range(n):
        distance = (y[..., None] - place[:, 0]) ** 2 + (x[..., None] - place[:, 1]) ** 2
        ids = classes[distance.argmin(-1)].repeat(4, 0).repeat(4, 1)[:height, :width].copy()
        ids[:3] = IGNORE
        yield ids
        place += speed


def write(folder: Path, n: int, regions: int) -> list[tuple[Path, Path]]:
    """Pairs of truth and prediction as PNG files."""
    pairs = []
    rng = np.random.default_rng(1)
    for i, truth in enumerate(label_video(n, regions, seed=0)):
        wrong = truth.copy()
        for _ in range(regions // 3):
            top, left = rng.integers(0, SIZE[0] - 40), rng.integers(0, SIZE[1] - 60)
            wrong[top : top + 40, left : left + 60] = rng.integers(0, CLASSES)
        pair = folder / f"{regions}-{i}-truth.png", folder / f"{regions}-{i}-prediction.png"
        for path, ids in zip(pair, (truth, wrong), strict=True):
            Image.fromarray(ids).save(path)
        pairs.append(pair)
    return pairs


def score(confusion: Confusion, meter: VideoMeter, truth: Ids, prediction: Ids) -> None:
    confusion.update(truth, prediction, IGNORE)
    meter.update(truth, prediction)


def compare(pairs: list[tuple[Path, Path]], repeats: int) -> tuple[float, float]:
    """Milliseconds a frame of decoding both files, and of confusion matrix and mVC of both windows."""
    decoding, scoring = [], []
    for _ in range(repeats + 1):  # the first round warms up
        confusion, meter = Confusion.empty(CLASSES), VideoMeter(IGNORE)
        decoded = scored = 0.0
        for truth_file, prediction_file in pairs:
            start = time.perf_counter()
            truth, prediction = np.asarray(read_ids(truth_file)), np.asarray(read_ids(prediction_file))
            middle = time.perf_counter()
            score(confusion, meter, truth.astype(np.uint8), prediction.astype(np.uint8))
            decoded += middle - start
            scored += time.perf_counter() - middle
        decoding.append(1000 * decoded / len(pairs))
        scoring.append(1000 * scored / len(pairs))
    return statistics.median(decoding[1:]), statistics.median(scoring[1:])


@dataclass
class InMemory:
    """A data set of one video, and predictions for it, that have been decoded beforehand."""

    truths: dict[Path, Ids]
    predictions: list[Ids]
    name: str = "vspw"
    split: str = "val"
    root: Path = Path()
    ignore: int = IGNORE
    uncounted: tuple[str, ...] = ()
    renumbers: bool = False
    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary.parse("vspw"))

    @classmethod
    def of(cls, pairs: list[tuple[Path, Path]]) -> InMemory:
        """Decode pairs of truth and prediction."""
        decoded = [(np.asarray(read_ids(a), np.uint8), np.asarray(read_ids(b), np.uint8)) for a, b in pairs]
        truths = {file: truth for (file, _), (truth, _) in zip(pairs, decoded, strict=True)}
        return cls(truths, [prediction for _, prediction in decoded])

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The one video."""
        return (Clip("video", tuple(self.truths), tuple(self.truths)),)

    def read_label(self, path: Path) -> Ids:
        """The truth of a frame."""
        return self.truths[path]


class InMemoryPredictions:
    """The predictions of `InMemory` as those of a model."""

    def __init__(self, data: InMemory) -> None:
        self.origin: dict[str, Any] = {}
        self._predictions = data.predictions

    def of(self, clip: Clip) -> Iterator[tuple[int, Ids]]:
        """All of them."""
        yield from enumerate(self._predictions)

    def name(self, clip: Clip, index: int) -> str:
        """What messages would call a frame."""
        return clip.name


def everything(pairs: list[tuple[Path, Path]], protocol: str, repeats: int) -> float:
    """Milliseconds a frame of all that is measured, hash, flicker and IoU of each frame included."""
    data = InMemory.of(pairs)
    task = Task(data, data.vocabulary, find_protocol(protocol, data.vocabulary))
    scoring = []
    for _ in range(repeats + 1):  # the first round warms up
        start = time.perf_counter()
        score_video(task, InMemoryPredictions(data), 0)
        scoring.append(1000 * (time.perf_counter() - start) / len(pairs))
    return statistics.median(scoring[1:])


def growth(pairs: list[tuple[Path, Path]], frames: int) -> tuple[float, float]:
    """Resident megabytes after a tenth of the frames and at the end."""
    confusion, meter = Confusion.empty(CLASSES), VideoMeter(IGNORE)
    arrays = [(np.asarray(read_ids(a)), np.asarray(read_ids(b))) for a, b in pairs]
    process, sizes = psutil.Process(), []
    for i in range(frames):
        truth, prediction = arrays[i % len(arrays)]
        score(confusion, meter, truth.astype(np.uint8), prediction.astype(np.uint8))
        if i % (frames // 10) == frames // 10 - 1:
            sizes.append(process.memory_info().rss / 1e6)
    return sizes[0], sizes[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    print(describe())
    print("\n| 480x853, 124 classes | what is measured | decoding two PNGs (ms) | measuring (ms) | ratio |")
    print("| --- | --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        for regions in (12, 60):
            pairs = write(Path(name), arguments.frames, regions)
            decoding, scoring = compare(pairs, arguments.repeats)
            rows = {"confusion and mVC": scoring} | {
                f"everything, `{name}`": everything(pairs, name, arguments.repeats) for name in PROTOCOLS
            }
            for what, cost in rows.items():
                numbers = f"{decoding:.2f} | {cost:.2f} | {cost / decoding:.2f}"
                print(f"| {regions} regions a frame | {what} | {numbers} |")
        before, after = growth(pairs, 5000)
    print("\n| frames scored | resident after 500 (MB) | at the end (MB) | growth |")
    print("| ---: | ---: | ---: | ---: |")
    print(f"| 5000 | {before:.1f} | {after:.1f} | {(after / before - 1) * 100:+.2f} % |")


if __name__ == "__main__":
    main()
