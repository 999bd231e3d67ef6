"""The log of a run: a line of JSON for each entry, cut back to the saved state when a run is resumed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Self

LOG = "log.jsonl"
LogLine = Mapping[str, Any]


class RunLog:
    """Appends entries; whole lines only.

    Args:
        folder: Of the run; None to write nothing, as all processes but one do.
        keep_bytes: How much of an earlier log is kept.
        tensorboard: Write for TensorBoard as well.
        step: The last one that counts of what was written for TensorBoard.
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
        """Note something."""
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
        """How long the log is, safely on disk."""
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()


def read(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """The entries of a log, of one kind if asked; a line that was cut off is left out."""
    path = folder / LOG
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if kind is None or entry.get("kind") == kind:
            entries.append(entry)
    return entries


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
