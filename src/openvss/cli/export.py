"""`openvss export`: a model as a folder that runs without PyTorch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openvss.cli import completion
from openvss.cli.options import ABOUT_OPTION, parse_options
from openvss.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="One of `openvss models`, the path of a checkpoint or run, or hf:NAME.",
            autocompletion=completion.models,
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder.", show_default=False)],
    words: Annotated[
        str | None,
        typer.Option(
            help="Bake these words in, so that no text encoder is needed; else they stay free.",
            show_default=False,
            autocompletion=completion.words,
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights to use instead of the model's own.")
    ] = None,
    untrained: Annotated[
        bool, typer.Option("--untrained", help="Use random weights instead of trained ones.")
    ] = False,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help=ABOUT_OPTION, show_default=False)
    ] = None,
    pictures: Annotated[
        str | None,
        typer.Option(
            metavar="INPUT",
            help="Video, image or folder whose first frames the graphs are checked on.",
            show_default="made-up frames",
        ),
    ] = None,
) -> None:
    """Write a model as ONNX graphs, and check them against PyTorch at three sizes.

    Example: `openvss export tiny exported`; then `openvss segment clip.mp4 "dog, grass" --model exported`
    """
    if find_spec("onnx") is None:
        raise InputError("Exporting needs onnx: `pip install openvss[export]`.")
    from openvss.export.job import export as write

    found = write(
        model,
        out,
        words,
        weights=weights,
        untrained=untrained,
        options=parse_options(option),
        pictures=() if pictures is None else _first_frames(pictures),
    )
    typer.echo(
        f"{out}: logits differ from PyTorch's by at most {found.difference:.0e} of their range, "
        f"{found.agreement:.3%} of the labels agree"
    )


def _first_frames(spec: str) -> list[npt.NDArray[np.uint8]]:
    from itertools import islice

    from openvss.export.check import FRAMES
    from openvss.video.sources import open_source

    return [frame.pixels for frame in islice(open_source(spec), FRAMES)]
