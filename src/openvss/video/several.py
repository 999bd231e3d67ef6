"""Several inputs in one argument: a glob or folder of videos, or a list in a file."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from openvss.errors import InputError
from openvss.storage.reading import read_text
from openvss.video.images import SUFFIXES

VIDEOS = {
    *(".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".gif", ".mpg", ".mpeg", ".m2v", ".ts", ".mts"),
    *(".m2ts", ".wmv", ".asf", ".flv", ".f4v", ".3gp", ".3g2", ".ogv", ".mxf", ".vob", ".y4m", ".dv"),
}
MAX_LIST = 20_000_000  # bytes of a list


@dataclass(frozen=True, slots=True)
class Entry:
    """One of several inputs.

    Attributes:
        spec: As `open_source` takes it.
        name: Of the folder for its results, below that for all of them: its path within what was named, so
            that no two are the same, and none changes when others are added.
    """

    spec: str
    name: PurePath


def several_inputs(spec: str) -> list[Entry] | None:
    """What a list, a folder of videos or a glob of videos stands for; None for any single input."""
    if spec.startswith("@"):
        return _listed(spec[1:].strip())
    if "://" in spec or spec.isdecimal():
        return None
    try:
        path = Path(spec).expanduser()
        if path.is_dir():
            return _only_videos(path, path.iterdir(), spec)
        if not glob.has_magic(spec) or path.exists():
            return None
    except (OSError, RuntimeError, ValueError):
        return None  # `open_source` says what is wrong with the path
    # Path.glob takes no absolute patterns.
    matches = map(Path, glob.iglob(str(path), recursive=True))  # noqa: PTH207
    return _only_videos(_fixed_part(path), matches, spec)


def _only_videos(root: Path, paths: Iterable[Path], spec: str) -> list[Entry] | None:
    """The videos, named by their place below `root`; None without any."""
    files = sorted(path for path in paths if path.is_file() and not path.name.startswith("."))
    videos = [path for path in files if path.suffix.lower() in VIDEOS]
    if not videos:
        return None
    picture = next((path for path in files if path.suffix.lower() in SUFFIXES), None)
    if picture is not None:
        raise InputError(
            f"{spec} means both videos, such as {videos[0].name}, and pictures, such as {picture.name}: "
            f'name one kind, such as "{root / ("*" + videos[0].suffix)}".'
        )
    return [Entry(str(path), path.relative_to(root)) for path in videos]


def _fixed_part(pattern: Path) -> Path:
    """The folders of a pattern before the first that has a wildcard."""
    parts = pattern.parts
    magic = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:magic])


def _listed(path: str) -> list[Entry]:
    try:
        text = read_text(Path(path).expanduser(), MAX_LIST)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a UTF-8 text file"
        raise InputError(f"Cannot read the list {path} ({reason}): name a text file after @.") from error
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
    if not lines:
        raise InputError(f"The list {path} names no inputs: put one on each line.")
    named: dict[PurePath, str] = {}
    for line in lines:
        named.setdefault(_name_of(line), line)
    return [Entry(line, name) for name, line in named.items()]


def _name_of(line: str) -> PurePath:
    """The path as it stands in a list, without what would lead out of the folder of results."""
    if "://" in line:
        shown = re.sub(r"//[^/]*@", "//", line).partition("?")[0]  # without passwords
        return PurePath(re.sub(r"[^\w.-]+", "-", shown).strip("-."))
    path = PurePath(os.path.normpath(Path(line).expanduser()))
    if ".." in path.parts:
        path = PurePath(Path(line).expanduser().resolve())
    return path.relative_to(path.anchor) if path.anchor else path
