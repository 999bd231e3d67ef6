"""How often the bundled model is right where it says how sure it is: a table, and a reliability diagram.

Run `python -m projects.tiny.benchmarks.calibration --voc ROOT --coco ROOT --camvid ROOT --picture FILE.png`.
Held-out pictures of VOC and COCO, and frames of CamVid (every twelfth), each labelled alone; all labelled
pixels count.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.machine import describe
from openvss import load
from openvss.evaluation.pictures.curves import Curve, Panel, draw_curves
from openvss.segmenting.segmenter import Segmenter
from openvss.words.vocabulary import Label, Vocabulary
from projects.tiny.benchmarks.score import Pair, frames, held_out
from projects.tiny.data import VOC_SPELLING, read_classes

BINS = 10
Table = npt.NDArray[np.float64]  # of every bin: pixels, those that are right, the sum of their confidence


def tally(segmenter: Segmenter, pairs: Iterable[Pair], first: int) -> Table:
    table = np.zeros((BINS, 3))
    for image, label in pairs:
        segmenter.reset()
        found = segmenter.step(np.asarray(Image.open(image).convert("RGB")))
        truth = np.asarray(Image.open(label)).astype(np.int64) - first
        counted = (truth >= 0) & (truth < len(segmenter.vocabulary))
        sure, right = found.confidence[counted], (found.labels == truth)[counted]
        bins = np.minimum((sure * BINS).astype(int), BINS - 1)
        for i, values in enumerate((None, right, sure)):
            table[:, i] += np.bincount(bins, values, BINS)
    return table


def expected_error(table: Table) -> float:
    """Mean distance of confidence and accuracy, by pixels."""
    return float(np.abs(table[:, 1] - table[:, 2]).sum() / table[:, 0].sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("voc", "coco", "camvid"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--picture", type=Path, required=True, help="the diagram to write")
    parser.add_argument("--every", type=int, default=1, help="take every so many pictures of VOC")
    given = parser.parse_args()
    print(
        describe(), "\n\n| confidence | " + " | ".join(f"{i / BINS:.1f}" for i in range(BINS)) + " | error |"
    )
    print("| --- " + "| ---: " * (BINS + 1) + "|")
    curves = [Curve("as sure as right", (5, 95), (5, 95))]
    for name, title, first, every in (
        ("voc", "VOC held out", 1, given.every),
        ("coco", "COCO held out", 0, 1),
        ("camvid", "CamVid", 0, 12),
    ):
        root = getattr(given, name)
        classes = [
            VOC_SPELLING.get(c, c) for number, c in sorted(read_classes(root).items()) if number >= first
        ]
        words = Vocabulary(tuple(Label(c, (c,)) for c in classes))
        pairs = frames(root) if name == "camvid" else held_out(root)
        table = tally(load("tiny", words, device="cpu"), islice(pairs, 0, None, every), first)
        shares = 100 * table[:, 1] / np.maximum(table[:, 0], 1)
        cells = [f"{share:.0f}" if n else "-" for share, n in zip(shares, table[:, 0], strict=True)]
        print(f"| {title}, right in % | {' | '.join(cells)} | {expected_error(table):.3f} |", flush=True)
        known = np.flatnonzero(table[:, 0])
        curves.append(Curve(title, (10 * known + 5).tolist(), shares[known].tolist()))
    draw_curves([Panel("pixels that are right, in %, by confidence in %", curves)], "tiny").save(
        given.picture
    )


if __name__ == "__main__":
    main()
