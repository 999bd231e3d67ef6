"""Small data sets in `folder:` layout, and predictions for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from openvss.data.base import Clip, Dataset, Ids
from openvss.data.catalogue import open_dataset
from openvss.evaluation.folder import ResultFolder
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.predictions import Predictions
from openvss.evaluation.protocol import find_protocol
from openvss.evaluation.report.results import describe

WORDS = ("sky", "road", "person", "tree")


def write_set(
    root: Path,
    lengths: Sequence[int] = (18, 3),
    *,
    size: tuple[int, int] = (24, 32),
    seed: int = 0,
    labelled: Callable[[int], bool] = lambda index: True,
) -> Path:
    """Videos whose regions move and jitter, with a few ignored pixels."""
    rng = np.random.default_rng(seed)
    root.mkdir(parents=True)
    (root / "classes.txt").write_text("".join(f"{i} {word}\n" for i, word in enumerate(WORDS)))
    for video, length in enumerate(lengths):
        for kind in ("origin", "mask"):
            (root / "data" / f"v{video}" / kind).mkdir(parents=True)
        still = rng.integers(0, len(WORDS), size).repeat(4, axis=0)[: size[0]]
        for index in range(length):
            folder, name = root / "data" / f"v{video}", f"{index:04d}"
            pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "origin" / f"{name}.jpg")
            labels = np.where(rng.random(size) < 0.05, 255, np.roll(still, index // 6, axis=1))
            if labelled(index):
                Image.fromarray(labels.astype(np.uint8)).save(folder / "mask" / f"{name}.png")
    return root


def write_objects(root: Path, length: int = 18) -> Path:
    """Three sequences of one named object each; a pixel of one frame does not count."""
    root.mkdir(parents=True)
    (root / "classes.txt").write_text("0 background\n1 swan\n2 person | human\n9 person+horse\n12 camel\n")
    (root / "sequences.txt").write_text("lake 1 swan\nride 9 person+horse\nwalk 2 person\n")
    for video, identity in (("lake", 1), ("ride", 9), ("walk", 2)):
        for kind in ("origin", "mask"):
            (root / "data" / video / kind).mkdir(parents=True)
        for index in range(length):
            mask = np.zeros((24, 32), dtype=np.uint8)
            mask[6:16, 4 + index // 4 : 14 + index // 4] = identity
            mask[0, 0] = 255 if index == 3 else 0
            Image.fromarray(mask).save(root / "data" / video / "mask" / f"{index:04d}.png")
            pixels = np.full((24, 32, 3), 40 + 10 * identity, dtype=np.uint8)
            Image.fromarray(pixels).save(root / "data" / video / "origin" / f"{index:04d}.jpg")
    return root


class Noisy:
    """Predictions without a model: the ground truth, partly wrong and partly unlabelled, always the same."""

    origin: dict[str, Any] = {"model": {"name": "noisy"}, "predictions": None}  # noqa: RUF012

    def __init__(self, dataset: Dataset, stop_after: int | None = None) -> None:
        self._dataset = dataset
        self._left = stop_after

    def of(self, clip: Clip) -> Iterator[tuple[int, Ids]]:
        for index, label in enumerate(clip.labels):
            if label is None:
                continue
            if self._left == 0:
                raise KeyboardInterrupt
            self._left = None if self._left is None else self._left - 1
            yield index, self.at(clip, index)

    def at(self, clip: Clip, index: int) -> Ids:
        label = clip.labels[index]
        assert label is not None
        truth = self._dataset.read_label(label)
        rng = np.random.default_rng([len(clip.name), ord(clip.name[-1]), index])
        drawn = rng.integers(0, len(self._dataset.vocabulary), truth.shape).astype(truth.dtype)
        found: Ids = np.where(rng.random(truth.shape) < 0.3, drawn, truth)
        found[rng.random(truth.shape) < 0.02] = 255
        return found

    def name(self, clip: Clip, index: int) -> str:
        return clip.name


def task_of(root: Path, spec: str = "folder", protocol: str = "plain") -> Task:
    dataset = open_dataset(f"{spec}:{root}")
    return Task(dataset, dataset.vocabulary, find_protocol(protocol, dataset.vocabulary))


def folder_for(out: Path, task: Task, predictions: Predictions, *, resume: bool = False) -> ResultFolder:
    folder = ResultFolder(out, describe(task, predictions, {"openvss": "0"}))
    folder.claim(resume=resume, overwrite=False)
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
