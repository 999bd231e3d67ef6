"""What `openvss segment` shows of a job: words that are embedded, then frames."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from openvss.cli.progress import progress

if TYPE_CHECKING:
    from openvss.segmenting.job import Progress

FEW_WORDS = 8  # take a moment


class JobProgress:
    """Shows each stage of a job as it begins, until `close`.

    Args:
        as_json: Lines of JSON in place of a bar.
        quiet: Show nothing.
    """

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self._as_json, self._quiet = as_json, quiet
        self._title = ""
        self._on_frames: Callable[[int], None] = lambda finished: None
        self._stack = ExitStack()
        self._stage: str | None = None
        self._update: Callable[[int], None] = lambda done: None

    def begin(self, title: str, on_frames: Callable[[int], None]) -> None:
        """The next input: its title, and what to do once its frames begin, knowing how many are finished."""
        self._title, self._on_frames = title, on_frames

    def __call__(self, told: Progress) -> None:
        """Take what the job tells."""
        if told.stage == "frames" and told.done == 0:
            self.close()
            self._on_frames(told.resumed)
        if self._quiet or (told.stage == "words" and (told.total or 0) <= FEW_WORDS):
            return
        if self._stage != told.stage:
            self.close()
            title = "new words" if told.stage == "words" else self._title
            shown = progress(title, told.total, told.resumed, self._as_json, told.stage)
            self._update, self._stage = self._stack.enter_context(shown), told.stage
        self._update(told.done)

    def close(self) -> None:
        """End what is shown."""
        self._stack.close()
        self._stage = None
