"""One run a folder: a second one at the same time is refused."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from openvss.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: two runs in one folder are not noticed there
    fcntl = None  # type: ignore[assignment]


class FolderLock:
    """Held from `acquire` to `release`; the operating system lets go of it when the process dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None

    def acquire(self) -> None:
        """Take the lock, or say that another run has it."""
        file = (self._folder / ".lock").open("wb")
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise InputError(
                f"Another run is writing to {self._folder} right now: wait for it or choose another --out."
            ) from None
        self._file = file

    def disown(self) -> None:
        """In a process forked from the owner: do not keep the lock alive when the owner dies."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def release(self) -> None:
        """Give the lock back and leave no file behind."""
        if self._file is not None:
            (self._folder / ".lock").unlink(missing_ok=True)
            self._file.close()
            self._file = None


def is_held(folder: Path) -> bool:
    """Whether a living run has the folder."""
    try:
        with (folder / ".lock").open("rb") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return fcntl is None
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
