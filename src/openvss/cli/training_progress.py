"""What a training run shows: a bar with the loss and the time left, or JSON lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from openvss.cli.progress import emit

if TYPE_CHECKING:
    from rich.progress import Progress

    from openvss.training.runs.log import Watcher

SHOWN = 3  # terms of the loss beside the bar


@contextmanager
def watching(as_json: bool) -> Iterator[Watcher]:
    """Yield the watcher of a run; of several processes, only the first prints anything."""
    from openvss.training.runs.log import Watcher

    if int(os.environ.get("RANK", "0")):
        yield Watcher()
    elif as_json:
        yield Watcher(say=lambda line: emit("note", text=line), step=_json_step, frame=_json_frame)
    else:
        bars = _bars()
        shown = _Shown(bars)
        try:
            yield Watcher(say=lambda line: bars.console.print(line), step=shown.step, frame=shown.frame)
        finally:
            if bars.live.is_started:  # rich prints an empty line even for bars that were never shown
                bars.stop()


def _json_step(done: int, total: int, entry: dict[str, Any] | None) -> None:
    if entry is not None:
        emit("progress", steps=done, total=total, **entry)


def _json_frame(what: str, done: int, total: int) -> None:
    if done == total:
        emit(what, done=total)


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
    )


class _Shown:
    """One bar for the steps, and one for the task between two steps."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._steps: Any = None
        self._frames: Any = None

    def step(self, done: int, total: int, entry: dict[str, Any] | None) -> None:
        self._bars.start()
        if self._steps is None or done == 1:
            self._steps = self._bars.add_task("training", total=total, completed=done - 1, note="")
        self._bars.update(self._steps, completed=done)
        if entry is not None:
            terms = [f"{name} {value:.4g}" for name, value in entry.items()][:SHOWN]
            self._bars.update(self._steps, note=" ".join(terms))

    def frame(self, what: str, done: int, total: int) -> None:
        self._bars.start()
        if self._frames is None:
            self._frames = self._bars.add_task(what, total=total, note="")
        self._bars.update(self._frames, completed=done)
        if done >= total:
            self._bars.remove_task(self._frames)
            self._frames = None
