"""A writer in a thread of its own, behind a bounded queue."""

from __future__ import annotations

import errno
import queue
import threading

from av.error import FFmpegError

from openvss.errors import OutputError
from openvss.video.formats.contract import Labelled, Writer

DEPTH = 4  # frames that wait for a writer at most
# What can be wrong with a place; other errors of FFmpeg are about what is written there.
FILE_SYSTEM = frozenset(
    {
        *(errno.EACCES, errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOENT, errno.ENOSPC),
        *(errno.EPERM, errno.EROFS),
    }
)


class Worker:
    """Feeds one writer. Errors in its thread are raised by the next `put` or by `join`.

    After an error the thread keeps emptying the queue, so that no caller waits for it forever.
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
        except BaseException as error:  # passed on to the caller
            self._error = _format_error(self._name, error) or error


def _format_error(name: str, error: BaseException) -> OutputError | None:
    """The sentence for what an encoder or a container refuses; None for any other error."""
    if not isinstance(error, FFmpegError) or error.errno in FILE_SYSTEM:
        return None
    return OutputError(
        f"The format {name} cannot take this video ({error.strerror}): leave it out of --format, "
        "and start again with --overwrite."
    )
