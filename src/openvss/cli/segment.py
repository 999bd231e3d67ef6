"""`openvss segment`: a video and words in, a folder of masks out."""

from __future__ import annotations

import re
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from openvss.cli import completion
from openvss.cli.job_progress import JobProgress
from openvss.cli.options import (
    ABOUT_OPTION,
    RESULTS,
    ColoursOption,
    EngineOption,
    LegendOption,
    OpacityOption,
    OthersOption,
    OutlinesOption,
    SideBySideOption,
    ThreadsOption,
    overlay_style,
    parse_options,
    use_threads,
)
from openvss.cli.progress import talking
from openvss.cli.segment_runs import Runs
from openvss.engines.names import Precision
from openvss.errors import InputError
from openvss.segmenting.job import FORMATS
from openvss.segmenting.settings import Context, StreamSettings
from openvss.video.formats.catalogue import help_text
from openvss.video.part import Part
from openvss.words import builtin

MODEL, PART = "Model", "Part of the input"
ABOUT_WORDS = (
    'Such as "person | pedestrian, road, sky": commas between labels, bars between synonyms; or a built-in '
    f"list ({', '.join(builtin.NAMES)}; {', '.join(builtin.RAW_NAMES)} as published numbers spell them); or "
    "@FILE with one label a line; or auto, to have words proposed. A model with a fixed list needs none and "
    "accepts only words on it."
)


def segment(
    video: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="Video file, image, folder or glob of frames, camera index, or stream address; or several: "
            'a folder or glob of videos ("clips/*.mp4"), or @LIST, a file with one input a line.',
            show_default=False,
        ),
    ],
    words: Annotated[
        str | None,
        typer.Argument(
            metavar="WORDS",
            help=ABOUT_WORDS,
            show_default=False,
            autocompletion=completion.words,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="One of `openvss models`, the path of a checkpoint, run or exported folder, or hf:NAME.",
            autocompletion=completion.models,
            rich_help_panel=MODEL,
        ),
    ] = "tiny",
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Weights to use instead of the model's own.", rich_help_panel=MODEL
        ),
    ] = None,
    untrained: Annotated[
        bool,
        typer.Option(
            "--untrained", help="Use random weights instead of trained ones.", rich_help_panel=MODEL
        ),
    ] = False,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help=ABOUT_OPTION, show_default=False, rich_help_panel=MODEL),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            help="Short side, in pixels, at which the model sees frames.",
            show_default="the model's own",
            rich_help_panel=MODEL,
        ),
    ] = StreamSettings.size,
    context: Annotated[
        Context,
        typer.Option(
            help="Whether the model may look at the whole video or only at the past.", rich_help_panel=MODEL
        ),
    ] = StreamSettings.context,
    device: Annotated[
        str,
        typer.Option(
            help="auto, cpu, cuda, cuda:1, mps.", autocompletion=completion.devices, rich_help_panel=MODEL
        ),
    ] = StreamSettings.device,
    precision: Annotated[
        Precision,
        typer.Option(
            help="Precision of the model's computation; bf16 and fp16 are meant for GPUs.",
            rich_help_panel=MODEL,
        ),
    ] = StreamSettings.precision,
    engine: EngineOption = StreamSettings.engine,
    threads: ThreadsOption = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Begin at this time of the video, such as 65, 1:05 or 1:00:05.5.",
            rich_help_panel=PART,
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="End before the frame at this time.", rich_help_panel=PART),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Take each N-th frame, or with 0.5s one each half second.", rich_help_panel=PART
        ),
    ] = None,
    max_frames: Annotated[
        int | None, typer.Option(metavar="N", help="Take at most N frames.", rich_help_panel=PART)
    ] = None,
    fps: Annotated[
        str | None,
        typer.Option(
            help="Rate of a folder of frames, such as 25 or 30000/1001.",
            show_default="15",
            rich_help_panel=PART,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for the results.",
            show_default="segmented/<name of the input>",
            rich_help_panel=RESULTS,
        ),
    ] = None,
    formats: Annotated[
        str,
        typer.Option(
            "--format", help=help_text(), autocompletion=completion.formats, rich_help_panel=RESULTS
        ),
    ] = ",".join(FORMATS),
    unlabelled_below: Annotated[
        float,
        typer.Option(
            metavar="P",
            help="Leave pixels less certain than P (0 to 1) unlabelled.",
            rich_help_panel=RESULTS,
        ),
    ] = StreamSettings.unlabelled_below,
    others: OthersOption = None,
    legend: LegendOption = True,
    opacity: OpacityOption = None,
    outlines: OutlinesOption = False,
    side_by_side: SideBySideOption = False,
    colours: ColoursOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted run.", rich_help_panel=RESULTS)
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the results in the folder.", rich_help_panel=RESULTS),
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Leave inputs alone whose folder holds finished results.",
            rich_help_panel=RESULTS,
        ),
    ] = False,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview",
            help="Only make a contact sheet of nine frames, as a PNG beside the folder.",
            rich_help_panel=RESULTS,
        ),
    ] = False,
    opens: Annotated[
        bool,
        typer.Option(
            "--open", help="Then show the overlay, contact sheet or folder.", rich_help_panel=RESULTS
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print settings and how long each stage took.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print machine-readable lines instead of a bar.")
    ] = False,
) -> None:
    """Label every pixel of every frame with one of your words.

    Example: `openvss segment clip.mp4 "person, dog, grass, sky"`
    """
    from openvss.segmenting.job import Job
    from openvss.segmenting.places import HOME
    from openvss.video.several import several_inputs

    _refuse_contradictions(
        quiet=quiet,
        verbose=verbose,
        preview=preview,
        resume=resume,
        skip_existing=skip_existing,
        overwrite=overwrite,
    )
    use_threads(threads)
    shown = JobProgress(as_json=as_json, quiet=quiet)
    job = Job(
        words,
        model=model,
        weights=weights,
        untrained=untrained,
        options=parse_options(option),
        formats=formats,
        style=overlay_style(
            legend=legend, opacity=opacity, outlines=outlines, side_by_side=side_by_side, colours=colours
        ),
        settings=StreamSettings(
            size=size,
            device=device,
            unlabelled_below=unlabelled_below,
            context=context,
            precision=precision,
            others=others,
            engine=engine,
        ),
        on_progress=shown,
    )
    runs = Runs(
        job,
        shown,
        rate=_rate(fps),
        part=Part.of(start, end, every, max_frames),
        resume=resume,
        overwrite=overwrite,
        skip_existing=skip_existing,
        preview=preview,
        opens=opens,
        quiet=quiet,
        as_json=as_json,
    )
    entries = several_inputs(video)
    with talking(verbose), closing(shown):
        if entries is None:
            runs.one(video, out)
        else:
            runs.all(entries, out or HOME)


def _refuse_contradictions(
    *, quiet: bool, verbose: bool, preview: bool, resume: bool, skip_existing: bool, overwrite: bool
) -> None:
    if quiet and verbose:
        raise InputError("--quiet and --verbose contradict each other: leave one of them out.")
    if preview and (resume or skip_existing):
        given = "--resume" if resume else "--skip-existing"
        raise InputError(f"--preview makes no results that {given} could find: leave one of them out.")
    if skip_existing and overwrite:
        raise InputError("--skip-existing and --overwrite contradict each other: leave one of them out.")


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
