"""Object IoU and boundary F, for sets in which each sequence names one object and its masks show only that.

    IoU = pixels that are the object and were labelled so / pixels that are the object or were labelled so

pooled over the frames of a sequence, then averaged over sequences; boundary F is averaged over both.
"Labelled so" means with any word that counts as the object: a cyclist is `person+bicycle`, and either word is
right anywhere on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from openvss.evaluation.ground_truth import Task
from openvss.evaluation.markdown import percent, plain, table
from openvss.evaluation.metrics import frame_picks
from openvss.evaluation.metrics.base import Column, Metric, ReportSection, ScoredFrame
from openvss.evaluation.metrics.boundary import boundary_f
from openvss.evaluation.metrics.frame_picks import FramePicks
from openvss.evaluation.pictures.bars import Bar, draw_bars, number
from openvss.video.colours import colours_for
from openvss.video.labelmap import Labels

NOTE = "Masks show one named object a sequence: any of its words finds it; what is around it has no class."


@dataclass
class ObjectOverlap:
    """How well the object of one sequence was found.

    Attributes:
        intersection: Pixels that are the object and were labelled so.
        union: Pixels that are one or the other.
        boundary: Sum of boundary F over the frames where it is defined.
        outlined: How many frames those are.
    """

    intersection: int = 0
    union: int = 0
    boundary: float = 0.0
    outlined: int = 0

    def __add__(self, other: ObjectOverlap) -> ObjectOverlap:
        """Of the frames of both."""
        mine, theirs = astuple(self), astuple(other)
        return ObjectOverlap(*(a + b for a, b in zip(mine, theirs, strict=True)))

    def update(
        self, labels: Labels, predictions: Labels, *, object_id: int, words: Sequence[int], ignore: int
    ) -> None:
        """Count one frame.

        Args:
            labels: (H, W) mask: the object, pixels that do not count, and anything else, which is not it.
            predictions: (H, W) predicted ids.
            object_id: The object's id in the mask.
            words: What `object_ids` gave.
            ignore: The id of pixels that do not count.
        """
        if labels.shape != predictions.shape:
            raise ValueError(f"labels {labels.shape} and predictions {predictions.shape} differ in size")
        truth = labels == object_id
        found = np.isin(predictions, words) & (labels != ignore)
        self.intersection += int(np.count_nonzero(truth & found))
        self.union += int(np.count_nonzero(truth | found))
        if not math.isnan(f := boundary_f(truth, found)):
            self.boundary += f
            self.outlined += 1

    @property
    def iou(self) -> float:
        """Fraction 0..1, nan if the object is nowhere and was found nowhere."""
        return self.intersection / self.union if self.union else math.nan

    @property
    def boundary_f(self) -> float:
        """Mean over frames, nan if the object is nowhere and was found nowhere."""
        return self.boundary / self.outlined if self.outlined else math.nan


class ObjectScores(Metric):
    """How well the named object of each sequence is found."""

    columns = (Column("object_iou", "object IoU"), Column("boundary_f", "boundary F"))
    files = ("objects.png", *frame_picks.FILES)

    def __init__(self, ignore: int | None, found: dict[int, ObjectOverlap], frames: FramePicks) -> None:
        self.found = found  # by number of the video
        self.frames = frames
        self._ignore = ignore

    @classmethod
    def applies(cls, task: Task) -> bool:
        """Only where no class can be scored."""
        return task.objects_only

    @classmethod
    def start(cls, task: Task) -> Self:
        """Nothing counted yet."""
        return cls(task.dataset.ignore, {}, FramePicks())

    def update(self, frame: ScoredFrame) -> None:
        """Count a frame."""
        assert frame.named is not None
        assert self._ignore is not None
        object_id, words = frame.named
        here = ObjectOverlap()
        here.update(frame.truth, frame.prediction, object_id=object_id, words=words, ignore=self._ignore)
        self.found[frame.video] = self.found.get(frame.video, ObjectOverlap()) + here
        self.frames.add(frame, here.iou)

    def finish(self) -> None:
        """The last frames compete to be shown."""
        self.frames.finish()

    def merge(self, other: Self) -> None:
        """Add the counts of further sequences."""
        self.found |= other.found
        self.frames.merge(other.frames)

    def prune(self, earlier: Self) -> None:
        """Forget frames that will not be shown."""
        self.frames.prune(earlier.frames)

    def state(self) -> dict[str, Any]:
        """Everything by name."""
        found = {str(video): asdict(overlap) for video, overlap in self.found.items()}
        return {"found": found, **self.frames.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave."""
        found = {int(video): ObjectOverlap(**counts) for video, counts in state["found"].items()}
        return cls(None, found, FramePicks.from_state(state))

    def compute(self, task: Task) -> dict[str, Any]:
        """The means over sequences, and each sequence."""
        rows = []
        for video, overlap in self.found.items():
            clip = task.dataset.clips[video]
            assert clip.objects is not None
            words = list(clip.objects[1])
            row = {
                "sequence": clip.name,
                "words": words,
                "iou": overlap.iou,
                "boundary_f": overlap.boundary_f,
            }
            rows.append(row)
        found = self.found.values()
        return {"object_iou": mean_object_iou(found), "boundary_f": mean_boundary_f(found), "objects": rows}

    def sections(self, result: Mapping[str, Any]) -> list[ReportSection]:
        """A table of all sequences."""
        rows = [
            [
                plain(one["sequence"]),
                plain(" or ".join(one["words"])),
                percent(one["iou"]),
                percent(one["boundary_f"]),
            ]
            for one in result["objects"]
        ]
        head = ["sequence", "object", "IoU", "boundary F"]
        return [ReportSection("Objects", f"{NOTE}\n\n{table(head, rows)}")]

    def pictures(
        self, folder: Path, task: Task, result: Mapping[str, Any], title: str
    ) -> Iterator[tuple[str, str]]:
        """A bar for each object, then the best and the worst frames."""
        colours = colours_for(task.rules.class_names(task.words))
        bars = []
        for clip, row in zip(task.dataset.clips, result["objects"], strict=True):
            named = task.object_of(clip)
            assert named is not None
            name = f"{row['sequence']} ({' or '.join(row['words'])})"
            bars.append(Bar(name, colours[named[1][0]], number(row["iou"])))
        chart = draw_bars(bars, f"IoU of each object · {title}", number(result["object_iou"]))
        chart.save(folder / "objects.png")
        yield "objects.png", "IoU of each object"
        yield from self.frames.pictures(folder, task, "object IoU", title)


def mean_object_iou(sequences: Iterable[ObjectOverlap]) -> float:
    """The mean over sequences in which the object is, or was found, somewhere; nan if there are none."""
    return _mean(sequence.iou for sequence in sequences)


def mean_boundary_f(sequences: Iterable[ObjectOverlap]) -> float:
    """The same of boundary F."""
    return _mean(sequence.boundary_f for sequence in sequences)


def _mean(values: Iterable[float]) -> float:
    found = [value for value in values if not math.isnan(value)]
    return math.fsum(found) / len(found) if found else math.nan
