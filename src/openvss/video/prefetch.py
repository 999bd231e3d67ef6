"""Work ahead in a thread, a few items at most."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from queue import Empty, Queue
from typing import TypeVar

T = TypeVar("T")

# A read from a network may hang until its own time limit; a consumer that stops does not wait for that.
PATIENCE_S = 2.0


@dataclass(frozen=True)
class _End:
    error: BaseException | None


def prefetch(items: Generator[T, None, None], *, depth: int = 4) -> Iterator[T]:
    """The same items, produced by a thread that runs at most `depth` items ahead.

    What `items` raises is raised here, after the items before it. When the consumer stops early, the thread
    ends too and closes `items`.
    """
    if depth < 2:
        raise ValueError("prefetch needs a depth of at least 2")
    ready: Queue[T | _End] = Queue(depth)
    stopped = threading.Event()
    worker = threading.Thread(target=_work, args=(items, ready, stopped), name="openvss-read", daemon=True)
    worker.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        _drain(ready)
        worker.join(PATIENCE_S)


def _work(items: Generator[T, None, None], ready: Queue[T | _End], stopped: threading.Event) -> None:
    error: BaseException | None = None
    try:
        for item in items:
            ready.put(item)
            if stopped.is_set():
                break
    except BaseException as raised:  # any error is passed on to the consumer
        error = raised
    finally:
        items.close()
        # Closing comes first, so that the consumer finds the file closed when it sees the end. The room for
        # this one was made by `_drain`: a queue holds at least two and the thread puts one item after it.
        ready.put(_End(error))


def _drain(ready: Queue[T | _End]) -> None:
    try:
        while True:
            ready.get_nowait()
    except Empty:
        pass
