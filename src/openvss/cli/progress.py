"""How far long work is: a bar, plain lines without a terminal, or JSON lines; and what Ctrl-C says."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from openvss.errors import OpenVSSError, Stopped

EVERY = 1.0  # seconds between two progress lines of `--json`
LINE_EVERY, LATER_EVERY, LATER = 10.0, 60.0, 60.0  # seconds between two plain lines, at first and later


def emit(event: str, **values: Any) -> None:
    """Print one machine-readable line."""
    typer.echo(json.dumps({"event": event, **values}))


@contextmanager
def progress(
    title: str, total: int | None, finished: int, as_json: bool, unit: str = "frames"
) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many units are done; `finished` of them cost nothing."""
    if as_json:
        shown = _json_lines(total, finished, unit)
    elif sys.stderr.isatty():
        shown = _bar(title, total, unit)
    else:
        shown = _plain_lines(title, total, finished, unit)
    with shown as update:
        yield update


class _Pace:
    """How fast the units come that are not finished already."""

    def __init__(self, total: int | None, finished: int) -> None:
        self._total, self._finished = total, finished
        self.start = self._last = time.monotonic()

    def due(self, done: int, every: float) -> bool:
        """Whether `every` seconds have passed since this was last so."""
        now = time.monotonic()
        if done <= self._finished:
            self.start = self._last = now
        elif now - self._last >= every:
            self._last = now
            return True
        return False

    def rate(self, done: int) -> float:
        """Units a second."""
        return (done - self._finished) / (self._last - self.start)

    def left(self, done: int) -> float | None:
        """Seconds until the end, if that is known."""
        return None if self._total is None else max(self._total - done, 0) / self.rate(done)


@contextmanager
def _json_lines(total: int | None, finished: int, unit: str) -> Iterator[Callable[[int], None]]:
    pace = _Pace(total, finished)

    def update(done: int) -> None:
        if pace.due(done, EVERY):
            left = pace.left(done)
            rates = {
                unit: done,
                "total": total,
                f"{unit}_per_second": round(pace.rate(done), 2),
                "seconds_left": None if left is None else round(left, 1),
            }
            emit("progress", **rates)

    yield update


@contextmanager
def _plain_lines(title: str, total: int | None, finished: int, unit: str) -> Iterator[Callable[[int], None]]:
    pace = _Pace(total, finished)

    def update(done: int) -> None:
        if pace.due(done, LINE_EVERY if time.monotonic() - pace.start < LATER else LATER_EVERY):
            parts = [f"{done} of {total} {unit}" if total else f"{done} {unit}"]
            parts.append(speed_text(pace.rate(done), unit))
            left = pace.left(done)
            if left is not None:
                parts.append(f"{_clock(left)} left")
            typer.echo(f"{title}: {', '.join(parts)}" if title else ", ".join(parts), err=True)

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
            bar.update(task, completed=done, rate=speed_text(speed, unit) if speed else "")

        yield update
        finished = bar.tasks[task].completed
        bar.update(task, total=finished, completed=finished)


def speed_text(speed: float, unit: str) -> str:
    """Units a second, or seconds a unit where that is the larger number."""
    return f"{speed:.1f} {unit}/s" if speed >= 1 else f"{1 / speed:.1f} s/{unit.removesuffix('s')}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def talking(verbose: bool) -> Iterator[None]:
    """With `verbose`, what happens within it is told on standard error."""
    log, handler, before = logging.getLogger("openvss"), logging.StreamHandler(), logging.NOTSET
    if verbose:
        before = log.level
        log.addHandler(handler)
        log.setLevel(logging.INFO)
    try:
        yield
    finally:
        if verbose:
            log.removeHandler(handler)
            log.setLevel(before)


@contextmanager
def resumable(*, overwrite: bool) -> Iterator[None]:
    """Wraps work that `--resume` can continue; `overwrite` says whether it replaces an earlier run."""
    try:
        yield
    except Stopped:
        where = " in place of --overwrite" if overwrite else ""
        raise OpenVSSError(f"stopped; the same command with --resume{where} continues from here.") from None
