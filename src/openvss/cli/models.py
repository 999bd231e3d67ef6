"""`openvss models`: what can be asked for with `--model`."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def models(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the models, what they are and which weights they bring."""
    from openvss.models.presets import PRESETS
    from openvss.weights import bundled

    rows = [
        {
            "name": name,
            "summary": preset.summary,
            "pair": preset.pair,
            "weights": f"bundled, sha256 {bundled.sha256(preset.weights)[:12]}",
        }
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
