"""What a run reports: lines of JSON in its folder, and calls to its watcher."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

LOG = "log.jsonl"


@dataclass(frozen=True)
class Watcher:
    """What a run calls to report its progress.

    Attributes:
        say: Takes a line of text.
        step: Takes the steps done, the steps of the run, and the entry of the log, if there is one.
        frame: Takes the name of a task between two steps, how much of it is done, and how much there is.
    """

    say: Callable[[str], None] = lambda line: None
    step: Callable[[int, int, dict[str, Any] | None], None] = lambda done, total, entry: None
    frame: Callable[[str, int, int], None] = lambda what, done, total: None


class RunLog:
    """The log of a run: a line of JSON for each entry, cut back to the saved state when a run is resumed.

    Args:
        folder: Of the run; None to write nothing, as all processes but one do.
        keep_bytes: Length to which an earlier log is cut.
        tensorboard: Write for TensorBoard as well.
        step: TensorBoard discards what it has of later steps.
    """

    def __init__(
        self, folder: Path | None, keep_bytes: int, tensorboard: bool = False, step: int = 0
    ) -> None:
        self._file: IO[str] | None = None
        self._board: Any = None
        if folder is None:
            return
        with (folder / LOG).open("ab") as file:
            file.truncate(min(keep_bytes, file.tell()))
        self._file = (folder / LOG).open("a", encoding="utf-8")
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            self._board.close()

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Append an entry."""
        if self._file is None:
            return
        line = {"kind": kind, "step": step, **values}
        self._file.write(json.dumps(_without_nan(line)) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                if isinstance(value, int | float):
                    self._board.add_scalar(f"{kind}/{name}", value, step)

    @property
    def n_bytes(self) -> int:
        """Length of the log, once all of it is on disk."""
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()


def read(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """The entries of a log, or those of one kind; a damaged line is left out."""
    path = folder / LOG
    entries = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict) and (kind is None or entry.get("kind") == kind):
            entries.append(entry)
    return entries


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
