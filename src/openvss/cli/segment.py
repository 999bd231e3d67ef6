"""`openvss segment`: a video and words in, a folder of masks out."""

from __future__ import annotations

import re
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openvss.cli.progress import emit, progress
from openvss.errors import BrokenVideoError, InputError

if TYPE_CHECKING:
    from openvss.segmenter import Segmenter
    from openvss.video.sources import Source

FORMATS = "png,overlay,chart"


class Context(str, Enum):
    """Which distant frames a model may look at."""

    past = "past"
    whole = "whole"


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
        str,
        typer.Argument(
            metavar="WORDS",
            help='Such as "person | pedestrian, road, sky": commas between labels, bars between synonyms; a built-in '
            "list (vspw, cityscapes, coco-stuff, ade150, ade847, pc59, pc459, voc20, camvid); or @FILE, one label a line.",
            show_default=False,
        ),
    ],
    model: Annotated[str, typer.Option(help="One of `openvss models`.")] = "tiny",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results.", show_default="segmented/<name of the input>")
    ] = None,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            help="Any of png (masks), overlay (video), chart (share of each word over time), labels (lossless FFV1 "
            "video), panoptic and rle (COCO), joined by commas.",
        ),
    ] = FORMATS,
    size: Annotated[
        int | None,
        typer.Option(help="Short side, in pixels, at which the model sees frames.", show_default="the model's own"),
    ] = None,
    fps: Annotated[
        str | None, typer.Option(help="Rate of a folder of frames, such as 25 or 30000/1001.", show_default="15")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    context: Annotated[Context, typer.Option(help="May the model look at the whole video, or only back?")] = Context.past,
    unlabelled_below: Annotated[
        float, typer.Option(metavar="P", help="Leave pixels less certain than P (0 to 1) unlabelled.")
    ] = 0.0,
    legend: Annotated[bool, typer.Option("--legend/--no-legend", help="Burn words and colours into the overlay.")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results in the folder.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable lines instead of a bar.")] = False,
) -> None:
    """Label every pixel of every frame with one of your words.

    Example: `openvss segment clip.mp4 "person, dog, grass, sky"`
    """
    from openvss import job
    from openvss.loading import load
    from openvss.video.sinks import OutputFolder
    from openvss.video.sources import open_source
    from openvss.words.vocabulary import Vocabulary

    vocabulary = Vocabulary.parse(words)
    source = open_source(video, fps=_rate(fps))
    segmenter = load(
        model, size=size, device=device, unlabelled_below=unlabelled_below, context=context.value
    )
    segmenter.set_words(vocabulary)
    folder = out or Path("segmented") / _name(source)
    ...
