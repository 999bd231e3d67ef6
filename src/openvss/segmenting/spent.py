"""How long the stages of a job took."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Spent:
    """Seconds by what they were spent on; its text lists them."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Wraps some of the work."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[what] = self._seconds.get(what, 0.0) + time.perf_counter() - start

    def waiting(self, what: str, items: Iterable[T]) -> Iterator[T]:
        """The same items, after waiting for each of them."""
        iterator = iter(items)
        while True:
            try:
                with self.on(what):
                    item = next(iterator)
            except StopIteration:
                return
            yield item

    def __str__(self) -> str:
        return ", ".join(f"{seconds:.1f} s {what}" for what, seconds in self._seconds.items())
