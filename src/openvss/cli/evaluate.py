"""`openvss evaluate`: ground truth and a model, or predictions of any software, in; a report out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openvss.cli import scoring
from openvss.cli.options import EngineOption, ModelOptions, ThreadsOption, parse_options, use_threads
from openvss.cli.progress import emit, progress, resumable
from openvss.cli.scoring import ScoringChoice, find_scored, find_task
from openvss.errors import InputError
from openvss.segmenting.settings import StreamSettings
from openvss.wording import counted

if TYPE_CHECKING:
    from openvss.data.base import Dataset
    from openvss.evaluation.ground_truth import Task
    from openvss.evaluation.predictions import Predictions


def evaluate(
    data: scoring.DataOption = None,
    model: scoring.ModelOption = None,
    weights: scoring.WeightsOption = None,
    untrained: scoring.UntrainedOption = False,
    option: ModelOptions = None,
    predictions: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Score this folder of PNG masks instead of a model."),
    ] = None,
    split: scoring.SplitOption = None,
    protocol: scoring.ProtocolOption = None,
    words: scoring.WordsOption = None,
    size: scoring.SizeOption = None,
    device: scoring.DeviceOption = StreamSettings.device,
    context: scoring.ContextOption = None,
    precision: scoring.PrecisionOption = StreamSettings.precision,
    engine: EngineOption = StreamSettings.engine,
    threads: ThreadsOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder for the report.", show_default="evaluated/<data>-<split>-<model>"
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the report in the folder.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print machine-readable lines instead of a bar.")
    ] = False,
) -> None:
    """Score a model, or a folder of predicted masks, on a data set.

    Example: `openvss evaluate --data vspw:VSPW_480p --model tiny`; then `openvss compare evaluated/*`
    """
    if data is None:
        raise InputError("There is nothing to score: give --data name:root, such as vspw:/data/VSPW_480p.")
    if model and predictions:
        raise InputError("--model and --predictions exclude each other: give one of them.")
    from openvss.data.catalogue import open_dataset

    use_threads(threads)
    options = parse_options(option)
    task = find_task(open_dataset(data, split), words, protocol)
    choice = ScoringChoice(model, weights, untrained, options, size, device, context, precision, engine)
    scored = find_scored(task, choice, predictions)
    with resumable(overwrite=overwrite):
        _score(task, scored, out, resume=resume, overwrite=overwrite, as_json=as_json)


def _score(
    task: Task, scored: Predictions, out: Path | None, *, resume: bool, overwrite: bool, as_json: bool
) -> None:
    from openvss.evaluation.folder import ResultFolder
    from openvss.evaluation.report import page as report
    from openvss.evaluation.report.results import describe
    from openvss.evaluation.runner import run

    if scored.origin["model"] is None and task.dataset.renumbers:
        words = ", ".join(f"{i} {name}" for i, name in enumerate(task.words.names[:3]))
        more = ", ..." if len(task.words) > 3 else ""
        typer.echo(
            f"Masks are read as {words}{more}, which are not the ids of the data set's label files.", err=True
        )
    settings = describe(task, scored, _versions(scored.origin["model"]))
    folder = ResultFolder(out or _default_out(task.dataset, scored), settings)
    if folder.claim(resume=resume, overwrite=overwrite):
        _report(folder.out, json.loads((folder.out / "metrics.json").read_text(encoding="utf-8")), as_json)
        return
    try:
        if as_json:
            emit("start", out=str(folder.out), **settings)
        finished = folder.finished_frames(task.dataset)
        with progress("scoring", task.n_frames, finished, as_json) as update:
            found = run(task, scored, folder, update)
        result = report.write(folder, task, found)
    finally:
        folder.release()
    _report(folder.out, result, as_json)


def _versions(model: Mapping[str, Any] | None) -> dict[str, str]:
    import numpy as np

    from openvss import __version__

    versions = {"openvss": __version__, "numpy": np.__version__}
    if model is not None:
        library = {"torch": "torch", "onnx": "onnxruntime"}[model["engine"]]
        versions[library] = version(library)
    return versions


def _default_out(dataset: Dataset, scored: Predictions) -> Path:
    origin = scored.origin
    name = origin["model"]["name"] if origin["model"] else Path(origin["predictions"]).resolve().name
    data = dataset.root.resolve().name if dataset.name == "folder" else dataset.name
    parts = (re.sub(r"[^\w.+]+", "-", part) for part in (data, dataset.split, name))
    return Path("evaluated") / "-".join(parts)


def _report(out: Path, result: dict[str, Any], as_json: bool) -> None:
    from openvss.evaluation.markdown import percent
    from openvss.evaluation.metrics.catalogue import all_columns
    from openvss.evaluation.report.page import uncounted

    columns = all_columns()
    if as_json:
        files = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
        emit("done", out=str(out), files=files, **{key: result[key] for key in columns if key in result})
        return
    found = (f"{one.name} {percent(result[key])}" for key, one in columns.items() if key in result)
    typer.echo(f"{counted(result['data']['frames'], 'frame')} scored, in per cent: " + ", ".join(found))
    if result["data"]["uncounted"]:
        typer.echo(uncounted(result["data"]))
    typer.echo(str(out / "report.md"))
