"""`openvss evaluate`: ground truth and a model, or anyone's predictions, in; a report out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openvss.cli import model_options
from openvss.cli.progress import emit, progress
from openvss.cli.scored import ScoringChoice, find_dataset, find_scored, find_task
from openvss.cli.stopping import resumable
from openvss.errors import InputError, OpenVSSError, Stopped
from openvss.segmenting.settings import Context, Precision, StreamSettings

if TYPE_CHECKING:
    from openvss.data.base import Dataset
    from openvss.evaluation.submission import Submitted
    from openvss.evaluation.task import Predictions, Task

DEFAULT_MODEL = "tiny"


def evaluate(
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME:ROOT",
            help="vspw, cityscapes, coco-stuff, ade150, ade847, pc59, pc459, voc20, voc20b, camvid or "
            "folder, and where it lies, such as vspw:/data/VSPW_480p.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="One of `openvss models`, the path of a checkpoint or run, or hf:NAME.",
            show_default=DEFAULT_MODEL,
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights to use instead of the model's own.")
    ] = None,
    untrained: Annotated[
        bool, typer.Option("--untrained", help="Use a model without trained weights, at random.")
    ] = False,
    option: model_options.Given = None,
    predictions: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Score this folder of PNG masks instead of a model."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Part of the data set.", show_default="val; all of a folder")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="plain, vspw-80-44, vspw-80-44-unseen, vspw-80-44-seen, cityscapes-transfer, a-150, a-847, "
            "pc-59, pc-459, pas-20, pas-20b.",
            show_default="the data set's own",
        ),
    ] = None,
    words: Annotated[
        str | None,
        typer.Option(
            help="Another wording of the classes: as many words as the data set has classes, in its order, "
            "such as pc459-raw. For a set of named objects: any words among which are theirs.",
            show_default="the data set's own",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            help="Short side, in pixels, at which the model sees frames.",
            show_default="the model's own; of a run, that of its validations",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    context: Annotated[
        Context | None,
        typer.Option(
            help="May the model look at the whole video, or only back?",
            show_default="past; of a run, that of its validations",
        ),
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="Of the model's computation; less than fp32 is for GPUs.")
    ] = StreamSettings.precision,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the report.", show_default="evaluated/<data>-<split>-<model>"),
    ] = None,
    submission: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.zip",
            help="Also write the predictions as the VSPW challenge takes them; for a split without labels, "
            "only that.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")] = False,
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
        raise InputError("--model and --predictions are two things to score: give one of them.")
    if predictions:
        about_model = {
            "--size": size, "--device": device != "auto", "--weights": weights, "--untrained": untrained,
            "--option": option, "--context": context, "--precision": precision != StreamSettings.precision,
        }  # fmt: skip
        _refuse(about_model, "--predictions, which are scored as they are")
    if submission:
        _check_submission(submission, data, resume=resume, overwrite=overwrite)

    task = find_task(find_dataset(data, split, for_submission=submission is not None), words, protocol)
    choice = ScoringChoice(
        model or DEFAULT_MODEL,
        weights,
        untrained,
        model_options.parse(option),
        size,
        device,
        context,
        precision,
    )
    scored = find_scored(task, choice, predictions)
    if not task.n_frames:
        _refuse({"--out": out}, "a split without labels, which gives no report")
    if submission is None:
        with resumable(overwrite=overwrite):
            _score(task, scored, out, resume=resume, overwrite=overwrite, as_json=as_json)
        return
    try:
        _submit(submission, task, scored, out, overwrite=overwrite, as_json=as_json)
    except Stopped:
        raise OpenVSSError(
            "Stopped; a submission is made in one go, and the same command with --overwrite starts it again."
        ) from None


def _refuse(options: Mapping[str, object], with_what: str) -> None:
    """Say which options were given that would do nothing."""
    given = [name for name, value in options.items() if value is not None and value is not False]
    if given:
        raise InputError(f"{' and '.join(given)} would do nothing with {with_what}: leave that out.")


def _submit(
    path: Path, task: Task, scored: Predictions, out: Path | None, *, overwrite: bool, as_json: bool
) -> None:
    from openvss.evaluation.submission import Submission, Submitted

    with Submission(path) as writer:
        copied = Submitted(scored, writer)
        if task.n_frames:
            _score(task, copied, out, resume=False, overwrite=overwrite, as_json=as_json)
        else:
            _predict(task.dataset, copied, as_json)
    if not as_json:
        typer.echo(str(path))


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
        typer.echo(f"Masks are read as {words}{more}: not as the ids of the data's label files.", err=True)
    settings = describe(task, scored, _versions(with_torch=scored.origin["model"] is not None))
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


def _predict(dataset: Dataset, copied: Submitted, as_json: bool) -> None:
    done = 0
    with progress("predicting", sum(len(clip.frames) for clip in dataset.clips), 0, as_json) as update:
        for clip in dataset.clips:
            for _ in copied.of_all(clip):
                done += 1
                update(done)
    if as_json:
        emit("done", frames=done)
    else:
        typer.echo(f"{done} frames predicted; there are no labels to score them with.")


def _check_submission(path: Path, data: str, *, resume: bool, overwrite: bool) -> None:
    if data.partition(":")[0] != "vspw":
        raise InputError("--submission is in the form of the VSPW challenge: give it with --data vspw:root.")
    if resume:
        raise InputError(
            "--submission needs every frame, but --resume leaves some out: use only one of them."
        )
    if path.exists() and not overwrite:
        raise InputError(f"{path} is there already: replace it with --overwrite, or name another file.")
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"is in {path.parent}, which is not a folder"
        raise InputError(f"The submission {path} {what}: name a file in an existing folder.")


def _versions(*, with_torch: bool) -> dict[str, str]:
    import numpy as np

    from openvss import __version__

    versions = {"openvss": __version__, "numpy": np.__version__}
    if with_torch:
        import torch

        versions["torch"] = torch.__version__
    return versions


def _default_out(dataset: Dataset, scored: Predictions) -> Path:
    origin = scored.origin
    name = origin["model"]["name"] if origin["model"] else Path(origin["predictions"]).resolve().name
    data = dataset.root.resolve().name if dataset.name == "folder" else dataset.name
    parts = (re.sub(r"[^\w.+]+", "-", part) for part in (data, dataset.split, name))
    return Path("evaluated") / "-".join(parts)


def _report(out: Path, result: dict[str, Any], as_json: bool) -> None:
    from openvss.evaluation.report.page import NAMES, percent, uncounted

    if as_json:
        files = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
        emit("done", out=str(out), files=files, **{key: result[key] for key in NAMES if key in result})
        return
    found = (f"{name} {percent(result[key])}" for key, name in NAMES.items() if key in result)
    typer.echo(f"{result['data']['frames']} frames scored, in per cent: " + ", ".join(found))
    if result["data"]["uncounted"]:
        typer.echo(uncounted(result["data"]))
    typer.echo(str(out / "report.md"))
