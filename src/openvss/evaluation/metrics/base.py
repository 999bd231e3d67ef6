"""What a metric is: an object that counts frames, adds up over videos, and knows what reports show of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from openvss.data.base import Ids
from openvss.evaluation.ground_truth import Task


@dataclass(frozen=True, eq=False)
class ScoredFrame:
    """A labelled frame and what was predicted for it.

    Attributes:
        video: Number of its video in the data set.
        index: Number of the frame in the video.
        follows: Whether the frame just before it is labelled, too, so that the two can be compared.
        labels: (H, W) its ground truth.
        truth: The same in which what the protocol leaves out is ignored.
        prediction: (H, W) the classes that were predicted.
        named: The id of the video's named object in `truth`, and the ids of its words; None if it has none.
    """

    video: int
    index: int
    follows: bool
    labels: Ids
    truth: Ids
    prediction: Ids
    named: tuple[int, tuple[int, ...]] | None = None


@dataclass(frozen=True)
class Column:
    """A number of `metrics.json` that tables show: its key, its name there, and which end is good."""

    key: str
    name: str
    lowest_is_best: bool = False


@dataclass(frozen=True)
class ReportSection:
    """A part of `report.md`, before or after the pictures."""

    heading: str
    text: str
    after_pictures: bool = False


class Metric(ABC):
    """Base of all metrics.

    One object counts one video: `start`, `update` with each labelled frame, `finish`. Objects of several
    videos add up with `merge`, in the order of the data set, and the sum gives the numbers. Memory does not
    grow with the length of a video, and counts survive `state` and `from_state` exactly, so that an
    interrupted evaluation resumes to the same bytes.

    Attributes:
        columns: What tables show of `compute`, from left to right.
        files: Names of all files that `pictures` and `tables` may write.
    """

    columns: ClassVar[tuple[Column, ...]] = ()
    files: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def applies(cls, task: Task) -> bool:
        """Whether it means anything for this data set."""
        return True

    @classmethod
    @abstractmethod
    def start(cls, task: Task) -> Self:
        """Nothing counted yet."""

    @abstractmethod
    def update(self, frame: ScoredFrame) -> None:
        """Take the next labelled frame of the video."""

    def finish(self) -> None:  # noqa: B027 (most need not do anything)
        """The video is over: keep only what is merged."""

    @abstractmethod
    def merge(self, other: Self) -> None:
        """Add the counts of a further video, or of several."""

    def prune(self, earlier: Self) -> None:  # noqa: B027
        """Forget what is not needed once this is merged into `earlier`; only the rest is stored."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything by name: arrays, and plain data for JSON."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave."""

    @abstractmethod
    def compute(self, task: Task) -> dict[str, Any]:
        """What it adds to `metrics.json`: numbers as fractions of 0..1, nan where nothing was counted."""

    def details(self, task: Task) -> dict[str, Any]:
        """Longer parts of `metrics.json`, which stand behind the numbers of all metrics."""
        return {}

    def sections(self, result: Mapping[str, Any]) -> list[ReportSection]:
        """Parts of the report, from the content of `metrics.json`."""
        return []

    def tables(self, result: Mapping[str, Any]) -> dict[str, str]:
        """Files of the report that are texts, by name."""
        return {}

    def pictures(
        self, folder: Path, task: Task, result: Mapping[str, Any], title: str
    ) -> Iterator[tuple[str, str]]:
        """Draw what there is to draw; give the name of each file in `folder`, and what it shows."""
        return iter(())
