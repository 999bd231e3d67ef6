"""`openvss runs`: training runs on disk."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from openvss.errors import InputError

app = typer.Typer(help="List training runs, and compare their curves.", no_args_is_help=True)


@app.command("list")
def list_runs(
    folder: Annotated[Path, typer.Argument(help="Folder to search.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the runs in a folder: their progress and their scores."""
    from openvss.training.runs.listing import find_runs

    found = find_runs(folder)
    if as_json:
        typer.echo(json.dumps([{**asdict(run), "path": str(run.path)} for run in found], indent=2))
        return
    if not found:
        typer.echo(f"There are no runs in {folder}: start one with `openvss train`.")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "status", "step", "loss", "best", "minutes", "run", box=None, pad_edge=False)
    for run in found:
        best = "" if run.best is None else f"{run.metric} {run.best:.4f}"
        loss = "" if run.loss is None else f"{run.loss:.4g}"
        place, time = f"{run.step}/{run.steps}", f"{run.seconds / 60:.1f}"
        table.add_row(run.preset, run.status, place, loss, best, time, str(run.path))
    Console().print(table)


@app.command("compare")
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders that `openvss train` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture to write.")] = Path("curves.png"),
) -> None:
    """Draw the losses and metrics of several runs into one picture."""
    from openvss.training.runs.listing import panels_of, write_curves

    for run in runs:
        if not (run / "log.jsonl").is_file():
            raise InputError(f"{run} is not a training run: name folders that `openvss train` wrote.")
    if not panels_of(runs):
        raise InputError("These runs have no logged value in common yet: wait, or lower saving.log_every.")
    write_curves(runs, out)
    typer.echo(str(out))
