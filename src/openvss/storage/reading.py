"""Reading files that a user names, which may turn out to be anything."""

from __future__ import annotations

from pathlib import Path

from openvss.errors import InputError


def read_text(file: Path, most: int) -> str:
    """The text of a UTF-8 file of at most `most` bytes; OSError, ValueError or InputError for others."""
    with file.open("rb") as content:
        found = content.read(most + 1)
    if len(found) > most:
        raise InputError(f"{file} has more than {most / 1e6:g} MB: name a smaller text file.")
    return found.decode("utf-8-sig")
