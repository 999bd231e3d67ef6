"""Where a job reads from and writes to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from openvss.errors import InputError

if TYPE_CHECKING:
    from openvss.video.part import Part
    from openvss.video.picture import Picture
    from openvss.video.sources import Source

HOME = Path("segmented")  # where results go unless a folder is named
LONGEST_NAME = 200  # bytes of a folder that is named after the input


def open_input(
    source: Source | str | Path | Iterable[Picture], fps: Fraction | None = None, part: Part | None = None
) -> Source:
    """The source, opened unless it is one already."""
    from openvss.video.sources import Source, open_source

    if not isinstance(source, Source):
        return open_source(source, fps=fps, part=part)
    if fps is not None or (part is not None and not part.is_whole):
        raise InputError("This source is open already: give the rate and the part to open_source.")
    return source


def default_folder(source: Source) -> Path:
    """Where the results of an input go; the folder's name for a glob is made from its folder and pattern."""
    path = Path(source.name)
    stem = path.stem if source.kind in ("video", "image") or "*" in path.name else path.name
    if source.kind == "frames" and "*" in path.name:
        stem = f"{path.parent.name}-{stem}"
    name = re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "frames"
    return HOME / name.encode()[:LONGEST_NAME].decode(errors="ignore")


def check_places(source: Source, folder: Path, resume: bool) -> None:
    """Refuse what would lose data: the input, or a live run whose frames cannot be read again."""
    if resume and not source.files:
        raise InputError(
            f"{source.name} cannot be resumed because its frames cannot be read again: choose another --out."
        )
    inside = next((f for f in source.files if folder.resolve() in f.resolve().parents), None)
    if inside:
        raise InputError(f"The input {inside} lies in the output folder {folder}: choose another --out.")
