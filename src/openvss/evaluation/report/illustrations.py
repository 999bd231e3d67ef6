"""The pictures of one report: from counts and looks to files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from openvss.data.base import Clip
from openvss.evaluation.report.looks import FlickerLook, Look
from openvss.evaluation.report.pictures.bars import Bar, draw_bars
from openvss.evaluation.report.pictures.canvas import Colour
from openvss.evaluation.report.pictures.confusion import draw_confusion
from openvss.evaluation.report.pictures.flicker import Flickering, draw_flicker
from openvss.evaluation.report.pictures.frames import Shown, draw_frames
from openvss.evaluation.runner import Evaluation
from openvss.evaluation.task import Task
from openvss.video.colours import colours_for
from openvss.video.images import read_image


def illustrate(folder: Path, title: str, task: Task, found: Evaluation, result: Mapping[str, Any]) -> None:
    """Draw what there is something to draw of."""
    names = task.rules.class_names(task.words)
    colours = colours_for(names)
    if found.confusion.matrix.any():
        _classes(result, colours, title).save(folder / "classes.png")
        confusion = draw_confusion(found.confusion.matrix, names, f"Confusion in % · {title}")
        confusion.save(folder / "confusion.png")
    if task.objects_only:
        _objects(task, result, colours, title).save(folder / "objects.png")
    looks = found.looks
    shown = {(look.video, look.frame) for look in looks.best}
    worst = [look for look in looks.worst if (look.video, look.frame) not in shown]
    for kind, chosen in (("best", looks.best), ("worst", worst)):
        if chosen:
            rows = [_shown(task, look) for look in chosen]
            picture = draw_frames(rows, names, colours, f"{kind.capitalize()} frames · {title}")
            picture.save(folder / f"{kind}.png")
    if looks.flicker:
        videos = [_flickering(task, look) for look in looks.flicker]
        draw_flicker(videos, f"Label flicker · {title}").save(folder / "flicker.png")


def _classes(result: Mapping[str, Any], colours: Sequence[Colour], title: str) -> Any:
    rows = result["per_class"]
    total = max(1, sum(row["pixels"] for row in rows))
    bars = [Bar(row["name"], colours[row["id"]], _number(row["iou"]), row["pixels"] / total) for row in rows]
    return draw_bars(bars, f"IoU of each class · {title}", _number(result["miou"]))


def _objects(task: Task, result: Mapping[str, Any], colours: Sequence[Colour], title: str) -> Any:
    bars = []
    for clip, row in zip(task.dataset.clips, result["objects"], strict=True):
        named = task.object_of(clip)
        assert named is not None
        name = f"{row['sequence']} ({' or '.join(row['words'])})"
        bars.append(Bar(name, colours[named[1][0]], _number(row["iou"])))
    return draw_bars(bars, f"IoU of each object · {title}", _number(result["object_iou"]))


def _shown(task: Task, look: Look) -> Shown:
    clip = task.dataset.clips[look.video]
    measure = "object IoU" if task.objects_only else "mIoU"
    where = clip.name if len(clip.frames) == 1 else f"{clip.name} · frame {look.frame}"
    return Shown(
        title=f"{where} · {measure} {100 * look.score:.1f} %",
        pixels=read_image(clip.frames[look.frame]),
        truth=task.truth_in_words(clip, look.frame),
        prediction=look.prediction,
        wrong=_wrong(task, clip, look),
    )


def _wrong(task: Task, clip: Clip, look: Look) -> npt.NDArray[np.bool_]:
    """The pixels that count and are wrong."""
    truth = task.truth(clip, look.frame)
    counted = truth != task.dataset.ignore
    named = task.object_of(clip)
    if named is None:
        return counted & (truth != look.prediction)
    identity, words = named
    return counted & (np.isin(look.prediction, words) != (truth == identity))


def _flickering(task: Task, look: FlickerLook) -> Flickering:
    clip = task.dataset.clips[look.video]
    labelled = [frame for frame, label in zip(clip.frames, clip.labels, strict=True) if label is not None]
    changed, still = look.steps.T
    return Flickering(
        title=f"{clip.name} · {100 * look.score:.2f} % of still pixels change their word from frame to frame",
        pixels=read_image(labelled[len(labelled) // 2]),
        rates=look.changed / np.maximum(look.still, 1),
        steps=np.divide(changed, still, out=np.full(len(changed), np.nan), where=still > 0),
        frames=len(labelled),
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
