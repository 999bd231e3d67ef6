"""What an interrupted run leaves so that it can be resumed: masks and lines of statistics.

A frame is finished once its mask has its final name and its line, which is written last, ends with a
newline. A checksum of both, which the finished run does not keep, tells whether they are still as written.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import zlib
from collections.abc import Sequence
from fractions import Fraction
from io import FileIO
from pathlib import Path

import numpy as np

from openvss.errors import InputError
from openvss.storage.atomic import replacing
from openvss.storage.cells import text_cell
from openvss.video.formats.classes import ClassInfo
from openvss.video.formats.contract import Labelled, frame_name
from openvss.video.formats.masks import mask_png, palette, read_mask
from openvss.video.frame import Frame
from openvss.video.labelmap import LabelMap

STATS = "stats.csv"
CHECKS = "checksums"
HALF_WRITTEN = "mask.tmp"
MASK_NAME = re.compile(r"\d{6,}\.png")
# Named so that no word a person would type is the name of a column.
COLUMNS = ("frame_index", "time_exact", "time_seconds", "mean_confidence")


class LabelJournal:
    """Writes masks and statistics, and plays back the frames that an earlier run finished.

    Attributes:
        finished: How many frames were finished when the journal was opened.
    """

    def __init__(self, folder: Path, masks: Path, classes: Sequence[ClassInfo]) -> None:
        self._masks = masks
        self._stats = folder / STATS
        self._checks = folder / CHECKS
        self._half_written = folder / HALF_WRITTEN
        self._names = tuple(c.name for c in classes)
        self._palette = palette(classes)
        masks.mkdir(exist_ok=True)
        self.finished = self._recover()
        self._reader = self._stats.open("rb")
        self._reader.readline()
        # Unbuffered: a line is with the operating system when `add` returns.
        self._writer = self._stats.open("ab", buffering=0)
        self._check_writer = self._checks.open("ab", buffering=0)

    def replay(self, frame: Frame) -> LabelMap:
        """The labels of the next finished frame.

        Only the mean confidence was kept; every pixel gets it.
        """
        index, time, confidence = read_stats_line(self._reader.readline())
        labels = read_mask(self._masks / frame_name(index))
        if (index, time) != (frame.index, frame.time) or labels.shape != frame.pixels.shape[:2]:
            raise InputError(
                f"Frame {frame.index} of the source is not the one that the interrupted run saw "
                f"(at {time} s, {labels.shape[1]}x{labels.shape[0]}): start again with --overwrite."
            )
        return LabelMap(
            labels=labels,
            confidence=np.broadcast_to(np.float32(confidence), labels.shape),
            words=self._names,
            index=index,
            time=time,
        )

    def add(self, item: Labelled) -> None:
        """Take the next frame."""
        with replacing(self._masks / frame_name(item.frame.index), self._half_written) as draft:
            mask = mask_png(item.labels.labels, self._palette)
            draft.write_bytes(mask)
        line = stats_line(item)
        _write(self._check_writer, _checksum(mask, line))
        _write(self._writer, line)

    def finish(self) -> None:
        """Close the statistics; every mask is complete already."""
        for file in (self._reader, self._writer, self._check_writer):
            file.close()

    def abandon(self) -> None:
        """Close the statistics as they are."""
        for file in (self._reader, self._writer, self._check_writer):
            with contextlib.suppress(OSError):
                file.close()

    def _recover(self) -> int:
        """Find the finished frames and delete anything after them."""
        header = stats_header(self._names)
        finished, size = 0, len(header)
        with self._stats.open("a+b") as lines, self._checks.open("a+b") as checks:
            for file in (lines, checks):
                file.seek(0)
            if lines.read(size) != header:
                lines.truncate(0)
                lines.write(header)
            for line, check in zip(lines, checks, strict=False):
                mask = _bytes_of(self._masks / frame_name(finished))
                whole = line.endswith(b"\n") and line.startswith(f"{finished},".encode())
                if not whole or mask is None or check != _checksum(mask, line):
                    break
                finished += 1
                size += len(line)
        os.truncate(self._stats, size)
        os.truncate(self._checks, finished * len(_checksum(b"", b"")))
        for path in mask_files(self._masks):
            if int(path.stem) >= finished:
                path.unlink()
        return finished


def _write(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _checksum(mask: bytes, line: bytes) -> bytes:
    return b"%08x\n" % zlib.crc32(line, zlib.crc32(mask))


def mask_files(folder: Path) -> list[Path]:
    """The masks in a folder, ignoring other files."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if MASK_NAME.fullmatch(path.name)]


def stats_header(names: Sequence[str]) -> bytes:
    """The first line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([*COLUMNS, *map(text_cell, names), "unlabelled"])
    return text.getvalue().encode()


def stats_line(item: Labelled) -> bytes:
    """The line of one frame; the exact time is a fraction of seconds such as 1001/30000."""
    frame = item.frame
    confidence = float(np.mean(item.labels.confidence, dtype=np.float64))
    shares = item.counts / item.labels.labels.size
    cells = [str(frame.index), str(frame.time), f"{float(frame.time):.6f}", f"{confidence:.6f}"]
    cells += [f"{share:.6f}" for share in shares]
    return (",".join(cells) + "\n").encode()


def count_frames(stats: Path, names: Sequence[str]) -> int | None:
    """The frames in finished statistics; None if they are missing or damaged."""
    try:
        header, *lines = stats.read_bytes().splitlines(keepends=True)
        if header != stats_header(names):
            return None
        for number, line in enumerate(lines):
            cells = line.decode().split(",")
            if (
                read_stats_line(line)[0] != number
                or len([float(cell) for cell in cells[2:]]) != len(names) + 3
            ):
                return None
    except (FileNotFoundError, ValueError, ZeroDivisionError):
        return None
    return len(lines)


def read_stats_line(line: bytes) -> tuple[int, Fraction, float]:
    """Frame, exact time and mean confidence of a line."""
    index, time, _, confidence, *_ = line.decode().split(",")
    return int(index), Fraction(time), float(confidence)
