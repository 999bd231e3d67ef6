"""The content of `metrics.json`: the numbers of an evaluation, and everything that decides them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from openvss.evaluation.ground_truth import Task
from openvss.evaluation.hashes import data_sha256, pictures_sha256
from openvss.evaluation.predictions import Predictions
from openvss.evaluation.runner import Evaluation


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
    """The content of `metrics.json`; fractions of 0..1, None where nothing was counted.

    The numbers stand in the order of the metrics, then their details in order of name.
    """
    numbers: dict[str, Any] = {}
    details: dict[str, Any] = {}
    for metric in found.metrics.values():
        numbers |= metric.compute(task)
        details |= metric.details(task)
    details = dict(sorted(details.items()))
    return _without_nan({**numbers, **details, "ground_truth": found.ground_truth, **settings})


def metrics_json(result: Mapping[str, Any]) -> str:
    """The text of `metrics.json`."""
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def _without_nan(value: Any) -> Any:
    """JSON has no nan: null stands for a missing number."""
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and math.isnan(value) else value
