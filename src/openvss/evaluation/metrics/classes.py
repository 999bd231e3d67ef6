"""How well each class is found: IoU and accuracy, from one confusion matrix of the whole data set."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from openvss.data.protocol import Protocol
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.markdown import percent, plain, table
from openvss.evaluation.metrics import frame_picks
from openvss.evaluation.metrics.base import Column, Metric, ReportSection, ScoredFrame
from openvss.evaluation.metrics.confusion import (
    Confusion,
    class_accuracy,
    class_iou,
    harmonic_mean,
    mean_iou,
    summary,
)
from openvss.evaluation.metrics.frame_picks import FramePicks
from openvss.evaluation.pictures.bars import Bar, draw_bars, number
from openvss.evaluation.pictures.confusion import draw_confusion
from openvss.storage.cells import text_cell
from openvss.video.colours import colours_for

ROWS = "per_class.csv"
FIELDS = ("id", "name", "group", "iou", "accuracy", "pixels", "predicted")
MOST_CLASSES = 60  # of more, the table has the best and the worst half


class ClassScores(Metric):
    """The confusion of all frames, and what a protocol reports of it."""

    columns = (
        Column("miou", "mIoU"),
        Column("miou_strict", "mIoU (strict)"),
        Column("fwiou", "fwIoU"),
        Column("macc", "mAcc"),
        Column("pacc", "pAcc"),
        Column("seen_miou", "seen mIoU"),
        Column("unseen_miou", "unseen mIoU"),
        Column("hiou", "hIoU"),
    )
    files = (ROWS, "classes.png", "confusion.png", *frame_picks.FILES)

    def __init__(self, ignore: int | None, confusion: Confusion, frames: FramePicks) -> None:
        self.confusion = confusion
        self.frames = frames
        self._ignore = ignore

    @classmethod
    def applies(cls, task: Task) -> bool:
        """Not where masks show one named object a sequence."""
        return not task.objects_only

    @classmethod
    def start(cls, task: Task) -> Self:
        """Nothing counted yet."""
        return cls(task.dataset.ignore, Confusion.empty(task.n_classes), FramePicks())

    def update(self, frame: ScoredFrame) -> None:
        """Count a frame."""
        assert self._ignore is not None
        here = Confusion.of(frame.truth, frame.prediction, self.confusion.n_classes, self._ignore)
        self.confusion = self.confusion + here
        self.frames.add(frame, mean_iou(here))

    def finish(self) -> None:
        """The last frames compete to be shown."""
        self.frames.finish()

    def merge(self, other: Self) -> None:
        """Add the counts of further videos."""
        self.confusion = self.confusion + other.confusion
        self.frames.merge(other.frames)

    def prune(self, earlier: Self) -> None:
        """Forget frames that will not be shown."""
        self.frames.prune(earlier.frames)

    def state(self) -> dict[str, Any]:
        """Everything by name."""
        return {"confusion": self.confusion.to_dict(), **self.frames.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave."""
        return cls(None, Confusion.from_dict(state["confusion"]), FramePicks.from_state(state))

    def compute(self, task: Task) -> dict[str, Any]:
        """All means, over the whole list and over the groups of classes that the protocol tells apart."""
        return scores(task.rules, self.confusion)

    def details(self, task: Task) -> dict[str, Any]:
        """A row for each class that counts, in id order."""
        names = task.rules.class_names(task.words)
        iou, accuracy = class_iou(self.confusion), class_accuracy(self.confusion)
        pixels, predicted = self.confusion.pixels, self.confusion.predicted
        group = {i: name for name, ids in task.rules.groups.items() for i in ids}
        rows = [
            {
                "id": i,
                "name": names[i],
                "group": group.get(i),
                "iou": float(iou[i]),
                "accuracy": float(accuracy[i]),
                "pixels": int(pixels[i]),
                "predicted": int(predicted[i]),
            }
            for i in sorted(task.rules.counted)
        ]
        return {"per_class": rows}

    def sections(self, result: Mapping[str, Any]) -> list[ReportSection]:
        """A table of the classes that occur."""
        return [ReportSection("Classes", _table(result["per_class"]), after_pictures=True)]

    def tables(self, result: Mapping[str, Any]) -> dict[str, str]:
        """All classes for other software; empty cells where nothing was counted."""
        text = io.StringIO()
        writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
        writer.writeheader()
        for row in result["per_class"]:
            writer.writerow({**row, "name": text_cell(row["name"]), "group": text_cell(row["group"] or "")})
        return {ROWS: text.getvalue()}

    def pictures(
        self, folder: Path, task: Task, result: Mapping[str, Any], title: str
    ) -> Iterator[tuple[str, str]]:
        """A bar for each class, the confusion, then the best and the worst frames."""
        names = task.rules.class_names(task.words)
        if self.confusion.matrix.any():
            colours = colours_for(names)
            rows = result["per_class"]
            total = max(1, sum(row["pixels"] for row in rows))
            bars = [
                Bar(row["name"], colours[row["id"]], number(row["iou"]), row["pixels"] / total)
                for row in rows
            ]
            chart = draw_bars(bars, f"IoU of each class · {title}", number(result["miou"]))
            chart.save(folder / "classes.png")
            yield "classes.png", "IoU of each class"
            confusion = draw_confusion(self.confusion.matrix, names, f"Confusion in % · {title}")
            confusion.save(folder / "confusion.png")
            yield "confusion.png", "Which class is taken for which"
        yield from self.frames.pictures(folder, task, "mIoU", title)


def scores(protocol: Protocol, confusion: Confusion) -> dict[str, float]:
    """What the protocol reports, by the names in `metrics.json`: fractions, nan where nothing was counted."""
    found = summary(confusion, protocol.counted)
    groups = {name: mean_iou(confusion, classes) for name, classes in protocol.groups.items()}
    found |= {f"{name}_miou": value for name, value in groups.items()}
    if {"seen", "unseen"} <= groups.keys():
        found["hiou"] = harmonic_mean(groups["seen"], groups["unseen"])
    return found


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    present = sorted((row for row in rows if row["pixels"]), key=lambda row: (-row["iou"], row["name"]))
    total = sum(row["pixels"] for row in present)
    omitted = len(present) - MOST_CLASSES
    half = MOST_CLASSES // 2
    grouped = any(row["group"] for row in rows)
    shown = present if omitted <= 0 else [*present[:half], *present[-half:]]
    lines = [
        [
            plain(row["name"]),
            *([plain(row["group"] or "")] if grouped else []),
            percent(row["iou"]),
            percent(row["accuracy"]),
            percent(row["pixels"] / total),
        ]
        for row in shown
    ]
    head = ["class", *(["group"] if grouped else []), "IoU", "accuracy", "share of pixels"]
    notes = []
    if omitted > 0:
        notes.append(
            f"The best and the worst {half}; {omitted} more {'is' if omitted == 1 else 'are'} in `{ROWS}`."
        )
    if len(present) < len(rows):
        notes.append(f"{len(rows) - len(present)} of {len(rows)} classes do not occur in the ground truth.")
    return "\n\n".join([table(head, lines), *notes])
