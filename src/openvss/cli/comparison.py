"""The table of `openvss evaluate --compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from openvss.evaluation.compare import Compared

WIDE = 240  # columns of a table that goes to a file or a pipe, where nothing may be cut off


def compare_runs(runs: list[Path], as_json: bool) -> None:
    """Print one table of several finished runs, and what keeps them from being compared."""
    from openvss.evaluation import compare as comparison

    rows = comparison.compare(runs)
    if as_json:
        typer.echo(json.dumps(comparison.as_json(rows), indent=2, ensure_ascii=False))
        return
    _print_table(rows)
    for row in rows:
        if row.differs:
            differing = " and ".join(row.differs)
            typer.echo(f"* {row.run} cannot be compared with {rows[0].run}: other {differing}.")


def _print_table(rows: list[Compared]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from openvss.evaluation.compare import best, columns
    from openvss.evaluation.report import NAMES, percent

    terms = ("scored", "data", "protocol", "word_list")
    about = {name: [str(getattr(row, name)) for row in rows] for name in terms}
    common = {name: values[0] for name, values in about.items() if len(set(values)) == 1}
    apart = [name for name in about if name not in common]
    highest = best(rows)
    table = Table("run", *(name.replace("_", " ") for name in apart), box=None, pad_edge=False)
    for name in columns(rows):
        table.add_column(NAMES[name], justify="right", no_wrap=True)
    for row in rows:
        mark = "* " if row.differs else ""
        cells = [mark + escape(row.run), *(escape(getattr(row, name)) for name in apart)]
        for name in columns(rows):
            value = row.metrics.get(name)
            text = percent(value)
            cells.append(f"[bold]{text}[/bold]" if value is not None and value == highest.get(name) else text)
        table.add_row(*cells)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    if common:
        typer.echo(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in common.items()))
    console.print(table)
