"""`openvss segment`: a video and words in, a folder of masks out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openvss.cli.options import (
    ColoursOption,
    LegendOption,
    ModelOptions,
    OpacityOption,
    OutlinesOption,
    SideBySideOption,
    overlay_style,
    parse_options,
)
from openvss.cli.progress import emit, progress, resumable
from openvss.errors import BrokenVideoError, InputError
from openvss.segmenting.settings import Context, Precision, StreamSettings
from openvss.video.formats.catalogue import help_text
from openvss.words import builtin

if TYPE_CHECKING:
    from openvss.segmenting.job import Done
    from openvss.segmenting.segmenter import Segmenter
    from openvss.video.sources import Source

FORMATS = "png,overlay,chart"
LONGEST_NAME = 200  # bytes of a folder that is named after the input
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
    legend: LegendOption = True,
    opacity: OpacityOption = None,
    outlines: OutlinesOption = False,
    side_by_side: SideBySideOption = False,
    colours: ColoursOption = None,
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
    from openvss.video.formats.catalogue import known_formats
    from openvss.video.sources import open_source
    from openvss.words.vocabulary import Vocabulary

    options = parse_options(option)
    settings = StreamSettings(
        size=size,
        device=device,
        unlabelled_below=unlabelled_below,
        context=context,
        precision=precision,
    )
    vocabulary = None if words is None else Vocabulary.parse(words)
    style = overlay_style(
        legend=legend, opacity=opacity, outlines=outlines, side_by_side=side_by_side, colours=colours
    )
    chosen = known_formats([name.strip() for name in formats.split(",")])
    source = open_source(video, fps=_rate(fps))
    folder = out or Path("segmented") / _name(source)
    _check_places(source, folder, resume)

    from openvss.segmenting import job
    from openvss.segmenting.loading import load
    from openvss.video.lettering import without_font
    from openvss.video.sinks import OutputFolder, SourceInfo, class_infos

    segmenter = load(
        model, vocabulary, weights=weights, untrained=untrained, options=options, settings=settings
    )
    if vocabulary is None and segmenter.model.fixed_words is None:
        raise InputError('WORDS are missing: say what to look for, such as "person, road, sky".')
    vocabulary = segmenter.vocabulary
    outputs = OutputFolder(
        folder,
        classes=class_infos([(label.name, label.synonyms) for label in vocabulary], own=style.colours),
        formats=chosen,
        run=_settings(source, segmenter, model, options),
        source=SourceInfo(
            size=source.size,
            rate=source.rate,
            kind="image" if source.kind == "image" else "video",
            path=source.path,
        ),
        style=style,
        resume=resume,
        overwrite=overwrite,
    )
    lacking = without_font(vocabulary.names)
    if lacking:
        typer.echo(_about_letters(lacking), err=True)
    if len(vocabulary) == 1:
        typer.echo(_about_one_word(vocabulary.names[0]), err=True)
    if as_json:
        emit(
            "start",
            input=source.name,
            out=str(folder),
            words=list(vocabulary.names),
            finished=outputs.finished,
        )
    if outputs.complete:
        done = job.Done(outputs.finished, outputs.finished, outputs.broken)
    else:
        live = not source.files  # cannot be resumed
        stopping = nullcontext() if live else resumable(overwrite=overwrite)
        with stopping, progress(_name(source), source.n_frames, outputs.finished, as_json) as update:
            done = job.run(source, segmenter, outputs, update)
    _report(folder, outputs.products, done, as_json)
    if done.broken:
        raise BrokenVideoError(done.broken)


def _about_letters(lacking: str) -> str:
    some = lacking if len(lacking) <= 10 else f"{lacking[:10]}…"
    return f"No font here has {some}: install one, or pictures show code points in place of these letters."


def _about_one_word(word: str) -> str:
    from difflib import get_close_matches

    longer = [name for name in builtin.NAMES if len(word) > 2 and name.startswith(word)]
    meant = longer or get_close_matches(word, builtin.NAMES, n=1, cutoff=0.7)
    hint = f" Or did you mean the list {meant[0]}?" if meant else ""
    if Path(word).is_file():
        hint = f" Or did you mean the words in that file, @{word}?"
    return f"Every pixel will be {word!r}, the only word given: add words for the rest of the picture.{hint}"


def _check_places(source: Source, folder: Path, resume: bool) -> None:
    """Refuse what would lose data: the input, or a live run whose frames cannot be read again."""
    if resume and not source.files:
        raise InputError(
            f"{source.name} cannot be resumed because its frames cannot be read again: choose another --out."
        )
    inside = next((f for f in source.files if folder.resolve() in f.resolve().parents), None)
    if inside:
        raise InputError(f"The input {inside} lies in the output folder {folder}: choose another --out.")


def _settings(source: Source, segmenter: Segmenter, model: str, options: dict[str, object]) -> dict[str, Any]:
    """Everything that decides what the results are: the content of run.json."""
    import av
    import torch

    from openvss import __version__
    from openvss.storage.fingerprint import fingerprint

    return {
        "input": source.name.encode(errors="replace").decode(),
        "input_sha256": fingerprint(source.files),
        "frame_size": list(source.size),
        "rate": str(source.rate) if source.rate else None,
        "words": str(segmenter.vocabulary),
        "word_list": segmenter.vocabulary.source,
        "model": model,
        "options": options,
        "weights_sha256": segmenter.model.weights_sha256,
        "size": segmenter.size,
        "context": segmenter.settings.context,
        "precision": segmenter.settings.precision,
        "unlabelled_below": segmenter.settings.unlabelled_below,
        "device": segmenter.device.type,
        "versions": {"openvss": __version__, "torch": torch.__version__, "av": av.__version__},
    }


def _report(folder: Path, files: Sequence[str], done: Done, as_json: bool) -> None:
    if as_json:
        emit(
            "done",
            frames=done.frames,
            resumed=done.resumed,
            out=str(folder),
            files=list(files),
            broken=done.broken,
        )
        return
    overlay = next((name for name in files if name.startswith("overlay")), None)
    again = f", {done.resumed} of them from the earlier run" if done.resumed else ""
    frames = "1 frame" if done.frames == 1 else f"{done.frames} frames"
    typer.echo(f"{frames} labelled{again}; in {folder}: {', '.join(files)}")
    if overlay:
        typer.echo(str(folder / overlay))


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


def _name(source: Source) -> str:
    """A folder name from the input's name; for a glob, from its folder and pattern."""
    path = Path(source.name)
    stem = path.stem if source.kind in ("video", "image") or "*" in path.name else path.name
    if source.kind == "frames" and "*" in path.name:
        stem = f"{path.parent.name}-{stem}"
    name = re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "frames"
    return name.encode()[:LONGEST_NAME].decode(errors="ignore")
