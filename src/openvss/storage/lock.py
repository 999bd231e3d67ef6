"""One run per folder: a second one at the same time is refused."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO

from filelock import lock_descriptor

from openvss.errors import InputError

LOCK = ".lock"


class FolderLock:
    """Held from `acquire` to `release`; the operating system releases it when the process dies.

    The file is locked through a descriptor of our own, not with `filelock.FileLock`: that one leaves its file
    behind, may be acquired twice, and does not let a forked process close its copy without unlocking.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None

    def acquire(self) -> None:
        """Take the lock, or say that another run has it; OSError where the file system has no locks."""
        file = _opened(self._folder / LOCK)
        if file is None:
            raise InputError(
                f"Another run is writing to {self._folder} right now: wait for it or choose another --out."
            )
        self._file = file

    def disown(self) -> None:
        """In a process forked from the owner: do not keep the lock alive when the owner dies."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def release(self) -> None:
        """Give the lock back and leave no file behind."""
        if self._file is None:
            return
        path = self._folder / LOCK
        try:
            path.unlink(missing_ok=True)  # while it is ours, so that nobody else's is deleted
        except PermissionError:  # Windows cannot delete an open file
            self._file.close()
            with contextlib.suppress(OSError):  # the next run has opened or deleted it
                path.unlink()
        self._file.close()
        self._file = None


def is_held(folder: Path) -> bool:
    """Whether a running process holds the folder."""
    try:
        with (folder / LOCK).open("rb") as file:
            return not lock_descriptor(file.fileno(), blocking=False)
    except FileNotFoundError:
        return False


def _opened(path: Path) -> IO[bytes] | None:
    """The file, locked; None if another process has locked it."""
    while True:
        file = path.open("ab")
        try:
            locked = lock_descriptor(file.fileno(), blocking=False)
            deleted = os.fstat(file.fileno()).st_nlink == 0  # by its last owner, after we had opened it
        except BaseException:
            file.close()
            raise
        if locked and not deleted:
            return file
        file.close()
        if not deleted:
            return None
