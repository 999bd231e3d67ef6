"""`openvss compare`: several finished evaluations in one table, or in one picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openvss.cli.progress import emit, progress
from openvss.errors import InputError, OutputError

if TYPE_CHECKING:
    from PIL import Image

    from openvss.data.base import Ids
    from openvss.evaluation.compare import Compared

WIDE = 240  # columns of a table written to a file or a pipe, where nothing may be cut off
PICTURE = Path("strip.png")


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders that `openvss evaluate` wrote.")
    ],
    strip: Annotated[
        str | None,
        typer.Option(
            metavar="VIDEO",
            help="Instead of the table, draw frames of this video, with a row for the ground truth and one "
            "for each RUN.",
        ),
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option(
            metavar="40-45",
            help="With --strip: which frames, counted from 0; also 40,45,50.",
            show_default="6 in the middle",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE.png",
            help="With --strip: the picture to write.",
            show_default=str(PICTURE),
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable lines instead.")] = False,
) -> None:
    """Print one table of several finished evaluations, or draw what they made of a video.

    Examples: `openvss compare evaluated/*`, `openvss compare evaluated/* --strip val_0016E5`
    """
    if strip is not None:
        _strip(runs, strip, frames, out or PICTURE, as_json=as_json)
        return
    if frames is not None or out is not None:
        raise InputError("--frames and --out are for a picture: give --strip VIDEO with them.")
    if len(runs) < 2:
        raise InputError("There is nothing to compare: name at least two folders that evaluate wrote.")
    _table(runs, as_json=as_json)


def _strip(runs: list[Path], video: str, wanted: str | None, out: Path, *, as_json: bool) -> None:
    """Draw the picture; predictions are read or computed again, since the folder of a run has none."""
    from openvss.cli.from_result import scored_again, task_again
    from openvss.evaluation import compare as comparison
    from openvss.evaluation import compare_frames

    if out.suffix.lower() != ".png" or not out.parent.is_dir():
        raise InputError(f"The picture cannot be written to {out}: name a .png file in an existing folder.")
    rows, results = comparison.compare(runs), [comparison.read_run(run) for run in runs]
    for row in rows:
        if row.differs:
            raise InputError(
                f"{row.run} cannot be compared with {rows[0].run} because they have different "
                f"{' and '.join(row.differs)}: leave one of them out."
            )
    task = task_again(rows[0].run, results[0])
    clip = compare_frames.find_video(task, video)
    frames = compare_frames.choose_frames(clip, wanted)
    predicted: dict[str, list[Ids]] = {}
    done = 0
    with progress("predicting", len(runs) * len(frames), 0, as_json) as update:
        for row, result in zip(rows, results, strict=True):
            predicted[row.run] = []
            for ids in compare_frames.predict(scored_again(row.run, result, task), clip, frames):
                predicted[row.run].append(ids)
                done += 1
                update(done)
    _save(compare_frames.draw(task, clip, frames, predicted, comparison.data_title(results[0]["data"])), out)
    if as_json:
        emit("done", out=str(out), video=clip.name, frames=frames, runs=list(predicted))
    else:
        typer.echo(str(out))


def _save(picture: Image.Image, out: Path) -> None:
    from openvss.storage.atomic import replacing

    try:
        with replacing(out) as draft:
            picture.save(draft, format="PNG", optimize=True)
    except OSError as error:
        raise OutputError(f"Cannot write {out} ({error.strerror or error}): choose another --out.") from error


def _table(runs: list[Path], *, as_json: bool) -> None:
    """Print the table, and what keeps runs from being compared."""
    from openvss.evaluation import compare as comparison

    rows = comparison.compare(runs)
    if as_json:
        typer.echo(json.dumps(comparison.as_json(rows), indent=2, ensure_ascii=False))
        return
    _print_table(rows)
    for row in rows:
        if row.differs:
            differing = " and ".join(row.differs)
            typer.echo(f"* {row.run} cannot be compared with {rows[0].run}: different {differing}.")


def _print_table(rows: list[Compared]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from openvss.evaluation.compare import best, columns
    from openvss.evaluation.markdown import percent
    from openvss.evaluation.metrics.catalogue import all_columns

    terms = ("scored", "data", "protocol", "word_list")
    about = {name: [str(getattr(row, name)) for row in rows] for name in terms}
    common = {name: values[0] for name, values in about.items() if len(set(values)) == 1}
    apart = [name for name in about if name not in common]
    highest, named = best(rows), all_columns()
    table = Table("run", *(name.replace("_", " ") for name in apart), box=None, pad_edge=False)
    for name in columns(rows):
        table.add_column(named[name].name, justify="right", no_wrap=True)
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
