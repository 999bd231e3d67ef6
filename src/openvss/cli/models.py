"""`openvss models`: what `--model` accepts, and the card of each model."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Annotated

import typer

from openvss.cli import completion
from openvss.errors import InputError
from openvss.wording import counted

if TYPE_CHECKING:
    from openvss.models.preset import Preset

app = typer.Typer(help="List the models, or show the card of one.")


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the models with a summary and their weights; `openvss models show NAME` has the details."""
    if context.invoked_subcommand is not None:
        return
    from openvss.models.registry import PRESETS

    rows = [
        {"name": name, "summary": preset.summary, "pair": preset.pair, "weights": _weights(preset)}
        for name, preset in PRESETS.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "what", "image-text pair", "weights", box=None, pad_edge=False)
    for about, sizes in itertools.groupby(rows, lambda row: [*row.values()][1:]):
        names = [row["name"] for row in sizes]
        table.add_row(names[0] if len(names) == 1 else f"{names[0]}..{names[-1].rpartition('-')[2]}", *about)
    Console().print(table)
    typer.echo(
        "\n`openvss models show NAME` has options and weights; give a run or checkpoint in place of NAME."
    )


def _weights(preset: Preset) -> str:
    from openvss.weights import bundled

    if preset.parts:
        return preset.parts
    return f"bundled, sha256 {bundled.sha256(preset.weights)[:12]}" if preset.weights else "none yet"


@app.command("show")
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A model, or the path of a checkpoint or run.",
            show_default=False,
            autocompletion=completion.models,
        ),
    ],
) -> None:
    """Print what a model is, its options, and the card and hash of its weights."""
    from openvss.models.registry import PRESETS, options_of
    from openvss.weights import bundled

    if name not in PRESETS:
        _show_checkpoint(name)
        return
    preset = PRESETS[name]
    typer.echo(f"{name}: {preset.summary}\nimage-text pair: {preset.pair}")
    for key, value in options_of(name).items():
        typer.echo(f"option {key}: {json.dumps(value)} unless given")
    if preset.parts:
        typer.echo(f"weights: {preset.parts}")
        return
    if preset.weights is None:
        typer.echo("weights: none yet; train it, give some with --weights FILE, or use --untrained")
        return
    typer.echo(f"weights: {bundled.path(preset.weights)}\nsha256: {bundled.sha256(preset.weights)}\n")
    typer.echo(bundled.card(preset.weights))


def _show_checkpoint(name: str) -> None:
    from openvss.models.registry import HUB, PRESETS

    if name.startswith(HUB):
        raise InputError(f"{name} is described by its card on the Hugging Face hub: look there.")
    from openvss.models.trained import checkpoint_of
    from openvss.weights import checkpoint

    file = checkpoint_of(name)
    note = checkpoint.read_metadata(file)
    about = f": {PRESETS[note.preset].summary}" if note.preset in PRESETS else ""
    typer.echo(f"{file}\nmodel: {note.preset}{about}")
    for key, value in {**note.options, **note.extra}.items():
        typer.echo(f"{'option ' if key in note.options else ''}{key}: {json.dumps(value)}")
    sizes = checkpoint.sizes(file)
    typer.echo(f"weights: {counted(sum(sizes), 'number')} in {counted(len(sizes), 'tensor')}")
    typer.echo(f"sha256: {checkpoint.sha256(file)}")
