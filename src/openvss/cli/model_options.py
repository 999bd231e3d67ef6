"""`--option KEY=VALUE`: a model's own options, as commands take them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from openvss.errors import InputError

Given = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="KEY=VALUE",
        help="One of the model's options (`openvss models show NAME`) that changes no weights, such as "
        "smoothing=0; repeatable.",
        show_default=False,
    ),
]


def parse(given: Sequence[str] | None) -> dict[str, object]:
    """The options by name; values are JSON, or else text."""
    return dict(_parse(one) for one in given or ())


def _parse(given: str) -> tuple[str, object]:
    key, equals, text = given.partition("=")
    if not (equals and key.strip()):
        raise InputError(f"--option {given} is not KEY=VALUE: write, for example, --option smoothing=0.")
    try:
        return key.strip(), json.loads(text)
    except ValueError:
        return key.strip(), text
