"""The numbers of an evaluation as `metrics.json` and `per_class.csv` hold them.

What means nothing for a set is not there: no classes where masks show one named object a sequence.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from openvss.evaluation.identity import data_sha256, pictures_sha256
from openvss.evaluation.metrics.confusion import class_accuracy, class_iou
from openvss.evaluation.metrics.consistency import LENGTHS, MODES, Mode, mean_consistency
from openvss.evaluation.metrics.objects import mean_boundary_f, mean_object_iou
from openvss.evaluation.protocol import scores
from openvss.evaluation.runner import Evaluation
from openvss.evaluation.task import Predictions, Task

# An object's masks have ids of their own, so that no predicted word could equal them.
OBJECT_MODES: tuple[Mode, ...] = ("paper", "vspw")
COLUMNS = ("id", "name", "group", "iou", "accuracy", "pixels", "predicted")


def describe(task: Task, predictions: Predictions, versions: Mapping[str, str]) -> dict[str, Any]:
    """Everything that decides the numbers; two runs of which this is equal give the same bytes."""
    dataset = task.dataset
    return {
        "data": {
            "name": dataset.name,
            "root": str(dataset.root),
            "split": dataset.split,
            "videos": len(dataset.clips),
            "frames": task.n_frames,
            "uncounted": list(dataset.uncounted),
            "sha256": data_sha256(dataset),
            "pictures_sha256": pictures_sha256(dataset),
        },
        "protocol": task.rules.name,
        "word_list": task.words.source,
        "words": [str(label) for label in task.words],
        "predictions_sha256": None,
        **predictions.origin,
        "versions": dict(versions),
    }


def metrics(task: Task, settings: Mapping[str, Any], found: Evaluation) -> dict[str, Any]:
    """The content of `metrics.json`; fractions of 0..1, None where nothing was counted."""
    result: dict[str, Any] = {}
    result |= _objects(found) if task.objects_only else scores(task.rules, found.confusion)
    if is_video(task):
        result |= _consistency(found, OBJECT_MODES if task.objects_only else MODES)
    if not task.objects_only:
        result["per_class"] = per_class(task, found)
    return _without_nan({**result, "ground_truth": found.ground_truth, **settings})


def is_video(task: Task) -> bool:
    """Whether any clip has consecutive labelled frames."""
    return any(
        first is not None and second is not None
        for clip in task.dataset.clips
        for first, second in zip(clip.labels, clip.labels[1:], strict=False)
    )


def per_class(task: Task, found: Evaluation) -> list[dict[str, Any]]:
    """A row for each class that counts, in id order."""
    confusion = found.confusion
    names = task.rules.class_names(task.words)
    iou, accuracy = class_iou(confusion), class_accuracy(confusion)
    pixels, predicted = confusion.pixels, confusion.predicted
    group = {i: name for name, ids in task.rules.groups.items() for i in ids}
    return [
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


def metrics_json(result: Mapping[str, Any]) -> str:
    """The text of `metrics.json`."""
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def per_class_csv(result: Mapping[str, Any]) -> str:
    """The text of `per_class.csv`; empty cells where nothing was counted."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(result["per_class"])
    return text.getvalue()


def _consistency(found: Evaluation, kinds: Sequence[Mode]) -> dict[str, Any]:
    modes: dict[str, Any] = {}
    for mode in kinds:
        modes[mode] = {}
        for n in LENGTHS:
            one = mean_consistency(found.videos, n, mode)
            modes[mode][f"mvc{n}"] = one.value
            modes[mode][f"mvc{n}_windows"] = one.windows
            modes[mode][f"mvc{n}_undefined_windows"] = one.undefined
            modes[mode][f"mvc{n}_skipped_videos"] = one.skipped
    changed, still = found.flicker
    return {
        **{f"mvc{n}": modes["paper"][f"mvc{n}"] for n in LENGTHS},
        "flicker": changed / still if still else math.nan,
        "consistency": modes,
    }


def _objects(found: Evaluation) -> dict[str, Any]:
    return {
        "object_iou": mean_object_iou(overlap for _, _, overlap in found.objects),
        "boundary_f": mean_boundary_f(overlap for _, _, overlap in found.objects),
        "objects": [
            {
                "sequence": sequence,
                "words": list(words),
                "iou": overlap.iou,
                "boundary_f": overlap.boundary_f,
            }
            for sequence, words, overlap in found.objects
        ],
    }


def _without_nan(value: Any) -> Any:
    """JSON has no nan: null says that there is no number."""
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and math.isnan(value) else value
