"""File system errors as one sentence that names the folder."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from openvss.errors import InputError, OpenVSSError, OutputError


def make_folder(folder: Path) -> None:
    """Make a folder for output, with those above it, unless it exists."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:  # below /proc, for example, where nothing can be created
        raise InputError(f"{folder} cannot be created ({error.strerror}): choose another --out.") from error
    except OSError as error:
        raise unusable(folder, error) from error


@contextlib.contextmanager
def reporting(folder: Path) -> Iterator[None]:
    """While a run writes: turn file system errors into a sentence, and let all others pass."""
    try:
        yield
    except Exception as error:
        # FFmpeg's errors have these attributes without being OSErrors.
        if not isinstance(error, OSError) and not hasattr(error, "errno"):
            raise
        raise output_error(folder, error) from error


def output_error(folder: Path, error: Exception) -> OutputError:
    """The sentence for an error while writing."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(f"The disk of {folder} is full: free some space and run again with --resume.")
    reason = getattr(error, "strerror", None) or error
    return OutputError(f"Cannot write to {folder} ({reason}): fix this and run again with --resume.")


def unusable(folder: Path, error: OSError) -> OpenVSSError:
    """The sentence for an error before anything was written."""
    if error.errno == errno.ENAMETOOLONG:
        return InputError(
            f"{folder} cannot be the output folder: its name is too long, choose another --out."
        )
    if isinstance(error, FileExistsError | NotADirectoryError):
        return InputError(
            f"{folder} cannot be the output folder because a file is in the way: choose another --out."
        )
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return InputError(f"{folder} is not writable ({error.strerror}): choose another --out.")
    if error.errno in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
        return OutputError(
            f"The file system of {folder} does not support locks ({error.strerror}), so two runs could write "
            "to it at once: choose another --out."
        )
    return output_error(folder, error)
