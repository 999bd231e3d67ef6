"""`openvss segment`: a video and words in, a folder of masks out."""

from __future__ import annotations

import re
from contextlib import closing, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openvss.cli.job_progress import JobProgress
from openvss.cli.options import ModelOptions, parse_options
from openvss.cli.progress import emit, resumable
from openvss.errors import BrokenVideoError, InputError
from openvss.segmenting.settings import Context, Precision, StreamSettings
from openvss.video.formats.catalogue import help_text
from openvss.words import builtin

if TYPE_CHECKING:
    from openvss.segmenting.job import Result

FORMATS = "png,overlay,chart"
ABOUT_WORDS = (
    'Such as "person | pedestrian, road, sky": commas between labels, bars between synonyms; or a built-in '
    f"list ({', '.join(builtin.NAMES)}; {', '.join(builtin.RAW_NAMES)} as published numbers spell them); or "
    "@FILE with one label a line. A model with a fixed list needs none and accepts only words on it."
)


def segment(
    video: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="Video file, image, folder or glob of frames, camera index, or stream address.",
            show_default=False,
        ),
    ],
    words: Annotated[
        str | None,
        typer.Argument(
            metavar="WORDS",
            help=ABOUT_WORDS,
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(help="One of `openvss models`, the path of a checkpoint or run, or hf:NAME."),
    ] = "tiny",
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights to use instead of the model's own.")
    ] = None,
    untrained: Annotated[
        bool, typer.Option("--untrained", help="Use random weights instead of trained ones.")
    ] = False,
    option: ModelOptions = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results.", show_default="segmented/<name of the input>"),
    ] = None,
    formats: Annotated[
        str,
        typer.Option("--format", help=help_text()),
    ] = FORMATS,
    size: Annotated[
        int | None,
        typer.Option(
            help="Short side, in pixels, at which the model sees frames.", show_default="the model's own"
        ),
    ] = StreamSettings.size,
    fps: Annotated[
        str | None,
        typer.Option(help="Rate of a folder of frames, such as 25 or 30000/1001.", show_default="15"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = StreamSettings.device,
    context: Annotated[
        Context, typer.Option(help="Whether the model may look at the whole video or only at the past.")
    ] = StreamSettings.context,
    precision: Annotated[
        Precision,
        typer.Option(help="Precision of the model's computation; bf16 and fp16 are meant for GPUs."),
    ] = StreamSettings.precision,
    unlabelled_below: Annotated[
        float, typer.Option(metavar="P", help="Leave pixels less certain than P (0 to 1) unlabelled.")
    ] = StreamSettings.unlabelled_below,
    legend: Annotated[
        bool, typer.Option("--legend/--no-legend", help="Burn words and colours into the overlay.")
    ] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the results in the folder.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print machine-readable lines instead of a bar.")
    ] = False,
) -> None:
    """Label every pixel of every frame with one of your words.

    Example: `openvss segment clip.mp4 "person, dog, grass, sky"`
    """
    # cheap checks come first: importing torch takes seconds
    from openvss.segmenting.job import Job, default_folder, open_input

    shown = JobProgress(as_json=as_json, quiet=False)
    job = Job(
        words,
        model=model,
        weights=weights,
        untrained=untrained,
        options=parse_options(option),
        formats=[name.strip() for name in formats.split(",")],
        legend=legend,
        settings=StreamSettings(
            size=size,
            device=device,
            unlabelled_below=unlabelled_below,
            context=context,
            precision=precision,
        ),
        on_progress=shown,
    )
    source = open_input(video, _rate(fps))
    folder = out or default_folder(source)

    def begun(finished: int) -> None:
        assert job.vocabulary is not None
        names = job.vocabulary.names
        if len(names) == 1:
            typer.echo(_about_one_word(names[0]), err=True)
        if as_json:
            emit("start", input=source.name, out=str(folder), words=names, finished=finished)

    shown.begin(default_folder(source).name, begun)
    live = not source.files  # cannot be resumed
    with nullcontext() if live else resumable(overwrite=overwrite), closing(shown):
        result = job.run(source, folder, resume, overwrite)
    _report(result, as_json)
    if result.broken:
        raise BrokenVideoError(result.broken)


def _about_one_word(word: str) -> str:
    from difflib import get_close_matches

    longer = [name for name in builtin.NAMES if len(word) > 2 and name.startswith(word)]
    meant = longer or get_close_matches(word, builtin.NAMES, n=1, cutoff=0.7)
    hint = f" Or did you mean the list {meant[0]}?" if meant else ""
    if Path(word).is_file():
        hint = f" Or did you mean the words in that file, @{word}?"
    return f"Every pixel will be {word!r}, the only word given: add words for the rest of the picture.{hint}"


def _report(result: Result, as_json: bool) -> None:
    if as_json:
        emit(
            "done",
            frames=result.frames,
            resumed=result.resumed,
            out=str(result.out),
            files=result.files,
            broken=result.broken,
        )
        return
    overlay = next((name for name in result.files if name.startswith("overlay")), None)
    again = f", {result.resumed} of them from the earlier run" if result.resumed else ""
    frames = "1 frame" if result.frames == 1 else f"{result.frames} frames"
    typer.echo(f"{frames} labelled{again}; in {result.out}: {', '.join(result.files)}")
    if overlay:
        typer.echo(str(result.out / overlay))


def _rate(text: str | None) -> Fraction | None:
    if text is None:
        return None
    try:
        rate = Fraction(text) if re.fullmatch(r"[\d./]{1,20}", text) else Fraction(0)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not Fraction(1, 1000) <= rate <= 1000:
        raise InputError(f"--fps is a number such as 25 or 30000/1001, from 0.001 to 1000, not {text!r}.")
    return rate
