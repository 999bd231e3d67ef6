"""Runs on disk: their status and their curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openvss.errors import InputError
from openvss.evaluation.pictures.curves import Curve, Panel, draw_curves
from openvss.storage.atomic import replacing
from openvss.storage.lock import is_held
from openvss.storage.settings import read_settings
from openvss.training.recipe.schema import LAST
from openvss.training.runs import log as journal
from openvss.training.runs.folder import RECIPE, STATUS, read_recipe

CURVES = "curves.png"
TIMES = ("seconds", "waiting", "steps", "lr", "grad_norm")
SHOWN = ("miou", "hiou", "unseen_miou", "pacc", "mvc8", "object_iou")


@dataclass(frozen=True)
class Run:
    """The status of a run.

    Attributes:
        path: Its folder.
        preset: What it trains.
        status: "running", "finished", "stopped", "failed", "killed", or "damaged".
        step: Steps done and saved.
        steps: Steps of its recipe.
        loss: Of the last line of the log.
        metric: The one that selects the best weights; None if the last weights are the result.
        best: Its best value.
        seconds: In total, according to the log.
    """

    path: Path
    preset: str
    status: str
    step: int
    steps: int
    loss: float | None
    metric: str | None
    best: float | None
    seconds: float


def find_runs(folder: Path) -> list[Run]:
    """All runs in a folder and the folders in it."""
    if not folder.is_dir():
        raise InputError(f"The folder {folder} does not exist: name one that holds runs.")
    return [_read(path.parent) for path in sorted(folder.rglob(RECIPE))]


def write_curves(runs: Sequence[Path], file: Path) -> None:
    """Draw the losses and metrics of runs; no picture if there are none yet."""
    panels = panels_of(runs)
    if panels:
        with replacing(file) as draft:
            draw_curves(panels, " · ".join(run.name for run in runs)).save(draft, format="PNG")


def panels_of(runs: Sequence[Path]) -> list[Panel]:
    """For one run, the terms of its loss together; for several, a panel for each value they all have."""
    training = {run: journal.read(run, "train") for run in runs}
    scored = {run: journal.read(run, "validation") for run in runs}
    losses = _names(training, TIMES)
    metrics = [name for name in _names(scored, ()) if name.rpartition(".")[2] in SHOWN]
    if len(runs) == 1:
        together = [("loss", losses, training), ("metrics", metrics, scored)]
        return [
            Panel(title, [_curve(name, name, entries[runs[0]]) for name in names])
            for title, names, entries in together
            if names
        ]
    apart = [(name, training) for name in losses] + [(name, scored) for name in metrics]
    return [
        Panel(name, [_curve(_title(run, runs), name, entries[run]) for run in runs])
        for name, entries in apart
    ]


def _curve(title: str, name: str, entries: list[dict[str, Any]]) -> Curve:
    noted = [entry for entry in entries if entry.get(name) is not None]
    return Curve(title, [entry["step"] for entry in noted], [entry[name] for entry in noted])


def _names(entries: dict[Path, list[dict[str, Any]]], without: Sequence[str]) -> list[str]:
    """Names of the values that all runs have logged, in order."""
    noted = [
        dict.fromkeys(name for entry in one for name in entry if entry[name] is not None)
        for one in entries.values()
    ]
    hidden = {"kind", "step", *without}
    return [name for name in noted[0] if name not in hidden and all(name in one for one in noted)]


def _title(run: Path, runs: Sequence[Path]) -> str:
    """The name of a folder, with its parent's where two have the same."""
    alike = sum(other.name == run.name for other in runs) > 1
    return str(Path(run.parent.name) / run.name) if alike else run.name


def _read(path: Path) -> Run:
    status = next(read_settings([path / STATUS]), {})
    entries = journal.read(path, "train")
    how = str(status.get("status", "killed"))
    if how == "running" and not is_held(path):
        how = "killed"
    try:
        recipe = read_recipe(path) or {}
        best = status.get("best")
        chosen_by = (recipe.get("validation") or {}).get("best")
        return Run(
            path=path,
            preset=str(recipe["model"]["preset"]),
            status=how,
            step=int(status.get("step", 0)),
            steps=int(recipe["schedule"]["steps"]),
            loss=float(entries[-1]["loss"]) if entries else None,
            metric=None if chosen_by == LAST else chosen_by,
            best=None if best is None else float(best),
            seconds=sum(float(entry["seconds"]) for entry in entries),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return Run(path, "?", "damaged", 0, 0, None, None, None, 0.0)
