"""The lines of `stats.csv`: for each frame its time, the mean confidence and the share of each word."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from openvss.video.formats.contract import Labelled

# Named so that no word a person would type is the name of a column.
COLUMNS = ("frame_index", "time_exact", "time_seconds", "mean_confidence")


def stats_header(names: Sequence[str]) -> bytes:
    """The first line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([*COLUMNS, *names, "unlabelled"])
    return text.getvalue().encode()


def stats_line(item: Labelled) -> bytes:
    """The line of one frame; the exact time is a fraction of seconds such as 1001/30000."""
    frame = item.frame
    confidence = float(np.mean(item.labels.confidence, dtype=np.float64))
    shares = item.counts / item.labels.labels.size
    cells = [str(frame.index), str(frame.time), f"{float(frame.time):.6f}", f"{confidence:.6f}"]
    cells += [f"{share:.6f}" for share in shares]
    return (",".join(cells) + "\n").encode()


def read_stats_line(line: bytes) -> tuple[int, Fraction, float]:
    """Frame, exact time and mean confidence of a line."""
    index, time, _, confidence, *_ = line.decode().split(",")
    return int(index), Fraction(time), float(confidence)
