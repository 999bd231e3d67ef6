"""Tells one input from another of the same name, without reading all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

PART = 1 << 20


def fingerprint(files: Sequence[Path]) -> str | None:
    """Hash of names and sizes, and of the beginning and end of the first and last file; None for no files."""
    if not files:
        return None
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.stat().st_size}\n".encode(errors="surrogateescape"))
    for file in dict.fromkeys((files[0], files[-1])):
        with file.open("rb") as content:
            digest.update(content.read(PART))
            content.seek(max(file.stat().st_size - PART, 0))
            digest.update(content.read(PART))
    return digest.hexdigest()
