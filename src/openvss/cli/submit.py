"""`openvss submit`: predictions in the format of the VSPW challenge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openvss.cli import scoring
from openvss.cli.from_result import scored_again, task_again
from openvss.cli.options import EngineOption, ModelOptions, parse_options
from openvss.cli.progress import emit, progress
from openvss.cli.scoring import ScoringChoice, find_scored, find_task
from openvss.errors import InputError, OpenVSSError, Stopped
from openvss.segmenting.settings import StreamSettings
from openvss.wording import counted

if TYPE_CHECKING:
    from openvss.data.base import Dataset
    from openvss.evaluation.ground_truth import Task
    from openvss.evaluation.predictions import Predictions

TAKES = "vspw"


def submit(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN]",
            help="A folder that `openvss evaluate` wrote: submit what it scored. Otherwise give --data.",
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="NAME:ROOT", help="Such as vspw:/data/VSPW_480p.")
    ] = None,
    model: scoring.ModelOption = None,
    weights: scoring.WeightsOption = None,
    untrained: scoring.UntrainedOption = False,
    option: ModelOptions = None,
    predictions: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Submit this folder of PNG masks instead of a model's."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Part of the data set; it need not have labels.", show_default="val"),
    ] = None,
    protocol: scoring.ProtocolOption = None,
    words: scoring.WordsOption = None,
    size: scoring.SizeOption = None,
    device: scoring.DeviceOption = StreamSettings.device,
    context: scoring.ContextOption = None,
    precision: scoring.PrecisionOption = StreamSettings.precision,
    engine: EngineOption = StreamSettings.engine,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.zip", help="The file to write.")] = Path(
        "submission.zip"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print machine-readable lines instead of a bar.")
    ] = False,
) -> None:
    """Write predictions as the VSPW challenge takes them.

    Examples: `openvss submit evaluated/vspw-val-tiny --out val.zip`,
    `openvss submit --data vspw:VSPW_480p --split test --model runs/b1 --out test.zip`
    """
    options = parse_options(option)
    choice = ScoringChoice(model, weights, untrained, options, size, device, context, precision, engine)
    if run is not None:
        others = {"--data": data, "--predictions": predictions, "--split": split, "--protocol": protocol}
        given = [name for name, value in {**others, "--words": words}.items() if value is not None]
        if given := [*given, *choice.given()]:
            raise InputError(f"{run} already determines what is submitted: leave out {' and '.join(given)}.")
    elif data is None:
        raise InputError(
            "There is nothing to submit: name a folder that evaluate wrote, or give --data vspw:root."
        )
    elif model and predictions:
        raise InputError("--model and --predictions exclude each other: give one of them.")
    _check_out(out, overwrite=overwrite)
    if run is not None:
        task, scored = _from_result(run)
    else:
        assert data is not None
        _require_vspw(data.partition(":")[0])
        task = find_task(_open(data, split), words, protocol)
        if predictions and not task.n_frames:
            raise InputError(
                "--predictions are matched to label files, but this split has none: give --model."
            )
        scored = find_scored(task, choice, predictions)
    try:
        _write(out, task, scored, as_json=as_json)
    except Stopped:
        raise OpenVSSError(
            "Stopped; a submission cannot be resumed, so the same command starts again from the beginning."
        ) from None


def _from_result(run: Path) -> tuple[Task, Predictions]:
    from openvss.evaluation.compare import read_run

    result = read_run(run)
    _require_vspw(result["data"]["name"])
    task = task_again(str(run), result)
    return task, scored_again(str(run), result, task)


def _open(data: str, split: str | None) -> Dataset:
    """The data set; either all of its labels are there, or none."""
    from openvss.data.catalogue import open_dataset

    dataset = open_dataset(data, split, labelled=False)
    if not any(label for clip in dataset.clips for label in clip.labels):
        return dataset
    return open_dataset(data, split)


def _write(path: Path, task: Task, scored: Predictions, *, as_json: bool) -> None:
    from openvss.evaluation.submission import Submission, predict_all

    done = 0
    frames = task.n_frames or sum(len(clip.frames) for clip in task.dataset.clips)
    with Submission(path) as submission, progress("predicting", frames, 0, as_json) as update:
        for clip in task.dataset.clips:
            predicted = scored.of(clip) if task.n_frames else predict_all(scored, clip)
            for index, ids in predicted:
                submission.add(clip.name, clip.frames[index].name, ids)
                done += 1
                update(done)
    if as_json:
        emit("done", out=str(path), frames=done)
    else:
        typer.echo(f"{counted(done, 'frame')} predicted.")
        typer.echo(str(path))


def _require_vspw(name: str) -> None:
    if name != TAKES:
        raise InputError(f"A submission has the format of the VSPW challenge: give --data {TAKES}:root.")


def _check_out(path: Path, *, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise InputError(f"{path} already exists: replace it with --overwrite, or name another file.")
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"is in {path.parent}, which is not a folder"
        raise InputError(f"The submission {path} {what}: name a file in an existing folder.")
