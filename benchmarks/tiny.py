"""How good the bundled model is: held-out VOC and COCO pictures, and CamVid, which it never saw.

Run `python -m benchmarks.tiny --voc ROOT --coco ROOT --camvid ROOT`; it uses the product's own `Segmenter`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.machine import describe
from openvss.models.tiny import Tiny
from openvss.segmenter import Segmenter
from openvss.training.tiny_data import VOC_SPELLING, read_classes
from openvss.weights import bundled
from openvss.words.vocabulary import Label, Vocabulary

Pair = tuple[Path, Path]


def held_out(root: Path) -> Iterator[Pair]:
    for stem in sorted((root / "held_out.txt").read_text().split()):
        yield root / "images" / f"{stem}.jpg", root / "labels" / f"{stem}.png"


def frames(root: Path) -> Iterator[Pair]:
    for image in sorted(root.glob("data/*/origin/*")):
        yield image, image.parents[1] / "mask" / f"{image.stem}.png"


def confusion(segmenter: Segmenter, pairs: Iterable[Pair], first: int) -> npt.NDArray[np.int64]:
    """Rows are true classes: ids from `first` on; all other ids are ignored."""
    n = len(segmenter.vocabulary)
    total = np.zeros((n, n), np.int64)
    for image, label in pairs:
        segmenter.reset()
        predicted = segmenter.step(np.asarray(Image.open(image).convert("RGB"))).labels
        truth = np.asarray(Image.open(label)).astype(np.int64) - first
        counted = (truth >= 0) & (truth < n)
        total += np.bincount(truth[counted] * n + predicted[counted], minlength=n * n).reshape(n, n)
    return total


def row(title: str, matrix: npt.NDArray[np.int64], names: Sequence[str]) -> str:
    hit, truth = np.diag(matrix), matrix.sum(1)
    iou = hit / np.maximum(truth + matrix.sum(0) - hit, 1)
    present = truth > 0
    order = np.argsort(-iou[present])
    best = [f"{np.array(names)[present][i]} {100 * iou[present][i]:.0f}" for i in (*order[:3], *order[-3:])]
    return (
        f"| {title} | {100 * iou[present].mean():.1f} | {100 * hit.sum() / truth.sum():.1f} "
        f"| {', '.join(best[:3])} ... {', '.join(best[3:])} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("voc", "coco", "camvid"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--weights", type=Path, help="a file to try instead of the bundled one")
    parser.add_argument("--size", type=int)
    arguments = parser.parse_args()
    model = Tiny()
    bundled.load_into(model, arguments.weights or bundled.path("tiny"))
    print(
        describe(),
        "\n\n| data | mIoU | pixel accuracy | best and worst classes, IoU |\n| --- | ---: | ---: | --- |",
    )
    for name, title, first in (
        ("voc", "VOC held out, 20 classes, foreground pixels", 1),
        ("coco", "COCO held out, 129 classes", 0),
        ("camvid", "CamVid zero-shot, 11 classes, all frames", 0),
    ):
        root = getattr(arguments, name)
        if root is None:
            continue
        classes = [
            VOC_SPELLING.get(c, c) for number, c in sorted(read_classes(root).items()) if number >= first
        ]
        vocabulary = Vocabulary(tuple(Label(c, (c,)) for c in classes))
        segmenter = Segmenter(model, vocabulary, size=arguments.size)
        pairs = frames(root) if name == "camvid" else held_out(root)
        print(row(title, confusion(segmenter, pairs, first), classes), flush=True)


if __name__ == "__main__":
    main()
