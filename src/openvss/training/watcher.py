"""Who wants to know how a run goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Watcher:
    """What a run reports to.

    Attributes:
        say: Takes a line of text.
        step: Takes the steps done, the steps of the run, and the entry of the log, if there is one.
        frame: Takes what is going on besides steps, how much of it is done, and how much there is.
    """

    say: Callable[[str], None] = lambda line: None
    step: Callable[[int, int, dict[str, Any] | None], None] = lambda done, total, entry: None
    frame: Callable[[str, int, int], None] = lambda what, done, total: None
