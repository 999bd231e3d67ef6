"""The metrics by name, in the order in which tables show them."""

from __future__ import annotations

from openvss.evaluation.ground_truth import Task
from openvss.evaluation.metrics.base import Column, Metric
from openvss.evaluation.metrics.classes import ClassScores
from openvss.evaluation.metrics.consistency import TemporalConsistency
from openvss.evaluation.metrics.flicker import LabelFlicker
from openvss.evaluation.metrics.objects import ObjectScores
from openvss.plugs import Table

METRICS: Table[type[Metric]] = Table(
    "metric",
    {
        "objects": ObjectScores,
        "classes": ClassScores,
        "consistency": TemporalConsistency,
        "flicker": LabelFlicker,
    },
    group="openvss.metrics",
)


def start_metrics(task: Task) -> dict[str, Metric]:
    """Those that mean something for this data set, with nothing counted yet."""
    return {name: kind.start(task) for name, kind in METRICS.items() if kind.applies(task)}


def all_columns() -> dict[str, Column]:
    """What tables may show, by key."""
    return {column.key: column for kind in METRICS.values() for column in kind.columns}


def all_files() -> tuple[str, ...]:
    """Every file that the metrics may add to a report."""
    return tuple(dict.fromkeys(file for kind in METRICS.values() for file in kind.files))
