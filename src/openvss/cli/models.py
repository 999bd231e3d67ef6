"""`openvss models`: what can be asked for with `--model`, and the card of each."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="List the models, or show the card of one.")


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the models, what they are and which weights they bring; `openvss models show NAME` says more."""
    if context.invoked_subcommand is not None:
        return
    from openvss.models.presets import PRESETS, Preset
    from openvss.weights import bundled

    def weights(preset: Preset) -> str:
        if preset.parts:
            return preset.parts
        return f"bundled, sha256 {bundled.sha256(preset.weights)[:12]}" if preset.weights else "none yet"

    rows = [
        {"name": name, "summary": preset.summary, "pair": preset.pair, "weights": weights(preset)}
        for name, preset in PRESETS.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "what", "image-text pair", "weights", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)


@app.command("show")
def show(name: Annotated[str, typer.Argument(metavar="NAME", help="A model.", show_default=False)]) -> None:
    """Print what a model is, its options, and the card and hash of its weights."""
    from openvss.models.presets import find_preset, options_of
    from openvss.weights import bundled

    preset = find_preset(name)
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
