"""A writer in a thread of its own, behind a bounded queue."""

from __future__ import annotations

import queue
import threading

from openvss.video.folder import format_error
from openvss.video.formats.contract import Labelled, Writer

DEPTH = 4  # frames that wait for a writer at most


class Worker:
    """Feeds one writer. What goes wrong in its thread is raised by the next `put` or by `join`.

    After an error the thread goes on to empty the queue, so nobody ever waits for it in vain.
    """

    def __init__(self, writer: Writer, name: str) -> None:
        self._writer, self._name = writer, name
        self._queue: queue.Queue[Labelled | None] = queue.Queue(DEPTH)
        self._abandoned = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"openvss-{name}", daemon=True)
        self._thread.start()

    def put(self, item: Labelled) -> None:
        """Hand over a frame; waits while the queue is full."""
        self._raise()
        self._queue.put(item)

    def finish(self) -> None:
        """Ask for the files to be completed once the queue is empty; `join` waits for it."""
        self._queue.put(None)

    def abandon(self) -> None:
        """Ask for the files to be closed as they are, at once; `join` waits for it."""
        self._abandoned.set()
        self._queue.put(None)

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._error is None and not self._abandoned.is_set():
                self._attempt(item)
        if self._error is None and not self._abandoned.is_set():
            self._attempt(None)
        if self._error is not None or self._abandoned.is_set():
            self._writer.abandon()

    def _attempt(self, item: Labelled | None) -> None:
        try:
            if item is None:
                self._writer.finish()
            else:
                self._writer.add(item)
        except BaseException as error:  # whatever it is, the caller has to hear of it
            self._error = format_error(self._name, error) or error
