"""Files that get their names once they are complete."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

LONGEST_NAME = 200  # bytes; file systems allow 255


@contextlib.contextmanager
def replacing(path: Path, draft: Path | None = None, *, durable: bool = False) -> Iterator[Path]:
    """Where to write what becomes `path`: all of it when the block ends, nothing of it after an error.

    Args:
        path: The file; replaced if it exists.
        draft: What is written; a hidden file beside `path` unless given. A killed process leaves it behind,
            and the next one that writes `path` writes over it.
        durable: Also survive a power cut.
    """
    draft = draft or path.with_name(f".{_short(path)}.part")
    try:
        yield draft
        if durable:
            with draft.open("rb+") as written:
                os.fsync(written.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def own_draft(path: Path) -> Path:
    """A draft for files that several processes or threads may write at once."""
    return path.with_name(f".{_short(path)}-{os.getpid()}-{threading.get_native_id()}")


def _short(path: Path) -> str:
    """The file's name, or of one so long that nothing can be added to it, its hash."""
    name = os.fsencode(path.name)
    return path.name if len(name) <= LONGEST_NAME else hashlib.sha256(name).hexdigest()


def write_text(path: Path, text: str, draft: Path | None = None) -> None:
    """Write a text file completely, or leave the old one."""
    with replacing(path, draft) as file:
        file.write_text(text, encoding="utf-8", newline="\n")


def move_all(names: Iterable[str], source: Path, target: Path) -> None:
    """Move the files that exist, in order; after an interruption, a second call moves the rest."""
    for name in names:
        if (source / name).exists():
            (source / name).replace(target / name)


def delete(path: Path) -> None:
    """Delete a file, a link, or a folder with all that is in it, whether or not it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def missing_folders(path: Path) -> list[Path]:
    """A folder and those above it, as far as they do not exist yet; innermost first."""
    # `Path.exists` fails where a name is too long.
    return [place for place in (path, *path.parents) if not os.path.exists(place)]  # noqa: PTH110


def delete_if_empty(folder: Path) -> None:
    """Delete a folder unless something is in it."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
