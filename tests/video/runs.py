"""Runs of the output folder for tests; `python -m tests.video.runs OUT KILL_AT` is one that kills itself."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from openvss.video.formats.contract import Labelled
from openvss.video.labelmap import LabelMap
from openvss.video.sinks import PLAIN, OutputFolder, OverlayStyle, SourceInfo
from tests.video.formats.samples import WORDS, classes, items

FORMATS = ("png", "overlay", "cutout", "binary", "labels", "panoptic", "rle", "chart")
RUN = {"model": "tiny", "size": 360}
SIZE = (48, 36)
RATE = Fraction(25)
FRAMES = 6


def open_folder(
    out: Path,
    *,
    formats: Sequence[str] = FORMATS,
    names: Sequence[str] = WORDS,
    run: Mapping[str, object] = RUN,
    path: Path | None = None,
    style: OverlayStyle = PLAIN,
    resume: bool = False,
    overwrite: bool = False,
) -> OutputFolder:
    return OutputFolder(
        out,
        classes=classes(names),
        formats=formats,
        run=run,
        source=SourceInfo(SIZE, RATE, path=path),
        style=style,
        resume=resume,
        overwrite=overwrite,
    )


def made(frames: int = FRAMES, names: Sequence[str] = WORDS) -> list[Labelled]:
    return items(frames, SIZE, names, RATE)


def feed(folder: OutputFolder, frames: Sequence[Labelled]) -> list[LabelMap]:
    """Give the folder all frames, as a caller with a model would; returns what was replayed."""
    replayed = []
    for item in frames:
        if item.frame.index < folder.finished:
            replayed.append(folder.replay(item.frame))
        else:
            folder.write(item.frame, item.labels)
    return replayed


def contents(out: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def finished(out: Path, formats: tuple[str, ...] = FORMATS, **settings: object) -> dict[str, bytes]:
    """The files of a run that nothing disturbed."""
    with open_folder(out, formats=formats, **settings) as folder:  # type: ignore[arg-type]
        feed(folder, made())
    return contents(out)


def interrupted(out: Path, frames: int, formats: tuple[str, ...] = FORMATS) -> None:
    folder = open_folder(out, formats=formats)
    feed(folder, made()[:frames])
    folder.abort()


def same_labels(first: LabelMap, second: LabelMap) -> bool:
    return first.labels.dtype == second.labels.dtype and np.array_equal(first.labels, second.labels)


def _kill_at(count: int) -> None:
    """Die, as by `kill -9`, at the given file operation that changes a name."""
    left = count

    def fatal(operation: object) -> object:
        def run(*args: object, **kwargs: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*args, **kwargs)  # type: ignore[operator]

        return run

    Path.replace = fatal(Path.replace)  # type: ignore[assignment, method-assign]
    Path.unlink = fatal(Path.unlink)  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    _kill_at(int(sys.argv[2]))
    with open_folder(Path(sys.argv[1]), formats=sys.argv[3].split(","), resume=True) as output:
        feed(output, made())
