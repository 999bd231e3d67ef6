"""`binary/<word>/*.png`: for each word that occurs a folder with a black-and-white mask of every frame.

The folders are called like the words as far as file systems allow; `binary.json` says which is which.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from openvss.video.formats.contract import Labelled, OutputPlan, frame_name
from openvss.video.formats.png import GREY, png_bytes

FOLDER, INDEX = "binary", "binary.json"
# What no folder may be called on some system, or what has a meaning there.
FORBIDDEN = frozenset('<>:"/\\|?*.')
RESERVED = frozenset(["con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(10))])
LONGEST = 100  # bytes


class BinaryWriter:
    """Writes the masks; a word that first occurs late gets black ones for the frames before."""

    def __init__(self, plan: OutputPlan) -> None:
        self._names = [c.name for c in plan.classes]
        self._folders = [plan.folder / FOLDER / name for name in folder_names(self._names)]
        self._index = plan.folder / INDEX
        self._black = _png(np.zeros(plan.source.size[::-1], np.bool_))
        self._occurred: set[int] = set()
        (plan.folder / FOLDER).mkdir()

    def add(self, item: Labelled) -> None:
        """Take the next frame."""
        frame = item.frame.index
        present = set(np.flatnonzero(item.counts[:-1]).tolist())
        for word in present - self._occurred:
            self._begin(word, frame)
        for word in self._occurred:
            mask = _png(item.labels.labels == word) if word in present else self._black
            (self._folders[word] / frame_name(frame)).write_bytes(mask)

    def finish(self) -> None:
        """Write down which folder is whose."""
        entries = [
            {"id": i, "name": name, "folder": folder.name if i in self._occurred else None}
            for i, (name, folder) in enumerate(zip(self._names, self._folders, strict=True))
        ]
        text = json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
        self._index.write_text(text, encoding="utf-8", newline="\n")

    def abandon(self) -> None:
        """Nothing to close."""

    def _begin(self, word: int, frames: int) -> None:
        self._occurred.add(word)
        self._folders[word].mkdir()
        for frame in range(frames):
            (self._folders[word] / frame_name(frame)).write_bytes(self._black)


def folder_names(names: Sequence[str]) -> list[str]:
    """A folder name for each word, all different where case and the form of accents do not count."""
    taken: set[str] = set()
    folders = []
    for i, name in enumerate(names):
        folder = _safe(name)
        while _key(folder) in taken:
            folder += f"-{i}"
        taken.add(_key(folder))
        folders.append(folder)
    return folders


def made_folders(out: Path) -> list[Path]:
    """The folders of words in the folder of a run, as far as it says so."""
    try:
        entries = json.loads((out / INDEX).read_text(encoding="utf-8"))
        ours = {entry["folder"] for entry in entries}
        return [path for path in (out / FOLDER).iterdir() if path.name in ours and not path.is_symlink()]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _safe(name: str) -> str:
    shown = "".join("-" if c in FORBIDDEN or not c.isprintable() else c for c in name)
    short = shown.strip("- ").encode()[:LONGEST].decode(errors="ignore").strip("- ")
    return f"{short}_" if not short or _key(short) in RESERVED else short


def _key(folder: str) -> str:
    return unicodedata.normalize("NFKC", folder).casefold()


def _png(mask: npt.NDArray[np.bool_]) -> bytes:
    """A picture of one bit per pixel, white where the mask is true."""
    return png_bytes(np.packbits(mask, axis=1), mask.shape[1], bits=1, colour=GREY)
