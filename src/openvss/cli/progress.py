"""Progress of long work: a bar with the time left or JSON lines, and the message after Ctrl-C."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from openvss.errors import OpenVSSError, Stopped

EVERY = 1.0  # seconds between two progress lines of `--json`


def emit(event: str, **values: Any) -> None:
    """Print one machine-readable line."""
    typer.echo(json.dumps({"event": event, **values}))


@contextmanager
def progress(
    title: str, total: int | None, finished: int, as_json: bool, unit: str = "frames"
) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many units are done; `finished` of them cost nothing."""
    with _lines(total, finished, unit) if as_json else _bar(title, total, unit) as update:
        yield update


@contextmanager
def _lines(total: int | None, finished: int, unit: str) -> Iterator[Callable[[int], None]]:
    start = last = time.monotonic()

    def update(done: int) -> None:
        nonlocal start, last
        now = time.monotonic()
        if done <= finished:
            start = last = now
        elif now - last >= EVERY:
            last = now
            rate = (done - finished) / (now - start)
            left = None if total is None else round(max(total - done, 0) / rate, 1)
            rates = {unit: done, "total": total, f"{unit}_per_second": round(rate, 2), "seconds_left": left}
            emit("progress", **rates)

    yield update


@contextmanager
def _bar(title: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, rate="")

        def update(done: int) -> None:
            speed = bar.tasks[task].speed
            bar.update(task, completed=done, rate=f"{speed:.1f} {unit}/s" if speed else "")

        yield update
        finished = bar.tasks[task].completed
        bar.update(task, total=finished, completed=finished)


@contextmanager
def resumable(*, overwrite: bool) -> Iterator[None]:
    """Wraps work that `--resume` can continue; `overwrite` says whether it replaces an earlier run."""
    try:
        yield
    except Stopped:
        where = " in place of --overwrite" if overwrite else ""
        raise OpenVSSError(f"stopped; the same command with --resume{where} continues from here.") from None
