"""Options that several commands share: a model's own options, and sizes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from openvss.engines.names import Choice
from openvss.errors import InputError

if TYPE_CHECKING:
    from openvss.video.formats.style import OverlayStyle

RESULTS = "Results"  # a panel of the help
ABOUT_OPTION = (
    "One of the model's options (`openvss models show NAME`) that changes no weights, such as smoothing=0; "
    "repeatable."
)
ModelOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="KEY=VALUE",
        help=ABOUT_OPTION,
        show_default=False,
    ),
]

ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        min=1,
        help="Threads with which the model computes on the CPU.",
        show_default="one a core",
    ),
]
EngineOption = Annotated[
    Choice,
    typer.Option(
        help="What runs the model; onnx needs a folder that `openvss export` made.", rich_help_panel="Model"
    ),
]
OthersOption = Annotated[
    bool | None,
    typer.Option(
        "--others/--no-others",
        help="Add a label for everything else; without it, words such as background mean what they say.",
        show_default="for a single word",
        rich_help_panel=RESULTS,
    ),
]
LegendOption = Annotated[
    bool,
    typer.Option(
        "--legend/--no-legend", help="Burn words and colours into the overlay.", rich_help_panel=RESULTS
    ),
]
OpacityOption = Annotated[
    float | None,
    typer.Option(
        "--opacity",
        metavar="P",
        help="How much of an overlay's pixel is its word's colour (0 to 1).",
        show_default="0.5; 0 with --outlines",
        rich_help_panel=RESULTS,
    ),
]
OutlinesOption = Annotated[
    bool,
    typer.Option(
        "--outlines",
        help="Draw only the outlines of regions, in their words' colours.",
        rich_help_panel=RESULTS,
    ),
]
SideBySideOption = Annotated[
    bool,
    typer.Option(
        "--side-by-side", help="Show the original to the left of the overlay.", rich_help_panel=RESULTS
    ),
]
ColoursOption = Annotated[
    str | None,
    typer.Option(
        "--colours",
        metavar="WORD=COLOUR,...",
        help='Your own colours for words in all outputs, such as "dog=#ff8800, sky=blue"; or @FILE with one '
        "of them a line.",
        show_default=False,
        rich_help_panel=RESULTS,
    ),
]


def overlay_style(
    *, legend: bool, opacity: float | None, outlines: bool, side_by_side: bool, colours: str | None
) -> OverlayStyle:
    """The overlay's options as one value."""
    from openvss.video.colours import OPACITY
    from openvss.video.formats.style import OverlayStyle, parse_colours

    usual = 0.0 if outlines else OPACITY
    return OverlayStyle(
        legend=legend,
        opacity=usual if opacity is None else opacity,
        outlines=outlines,
        side_by_side=side_by_side,
        colours=parse_colours(colours) if colours is not None else {},
    )


def use_threads(number: int | None) -> None:
    """Have models compute with this many threads, whichever engine runs them; None leaves it as it is."""
    if number is None:
        return
    os.environ["OMP_NUM_THREADS"] = str(number)  # read by both engines
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(number)


def parse_options(given: Sequence[str] | None) -> dict[str, object]:
    """The options by name; values are JSON, or else text."""
    return dict(_key_and_value(one) for one in given or ())


def _key_and_value(given: str) -> tuple[str, object]:
    key, equals, text = given.partition("=")
    if not (equals and key.strip()):
        raise InputError(f"--option {given} is not KEY=VALUE: write, for example, --option smoothing=0.")
    try:
        return key.strip(), json.loads(text)
    except ValueError:
        return key.strip(), text


def width_and_height(text: str, example: str, *, least: int = 0) -> tuple[int, int]:
    """`--size WxH`: the two numbers of a text such as "853x480", width first, both at least `least`."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and min(int(width), int(height)) >= least):
        at_least = f", both at least {least}" if least else ""
        raise InputError(f"--size is width x height{at_least}, such as {example}, not {text!r}.")
    return int(width), int(height)
