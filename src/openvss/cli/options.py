"""Options that several commands share: a model's own options, and sizes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from openvss.errors import InputError

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
