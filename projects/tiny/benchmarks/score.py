"""How good the bundled model is: held-out VOC and COCO pictures, and CamVid and DAVIS, which it never saw.

Run `python -m projects.tiny.benchmarks.score --voc ROOT --coco ROOT --camvid ROOT --davis ROOT`; it uses the
product's own `Segmenter`. Pictures of the first table are labelled one by one. The second table is about
videos: the sequence of CamVid that has every frame, and DAVIS, with and without its memory.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from benchmarks.machine import describe
from openvss.evaluation.metrics.confusion import Confusion, class_iou, mean_iou, pixel_accuracy
from openvss.evaluation.metrics.consistency import VideoMeter, mean_consistency
from openvss.models.tiny.model import Tiny
from openvss.models.tiny.presets import TinyOptions
from openvss.segmenting.segmenter import Segmenter
from openvss.weights import bundled
from openvss.words.vocabulary import Label, Vocabulary
from projects.tiny.data import VOC_SPELLING, read_classes

Pair = tuple[Path, Path]

IGNORED = 255
CONSECUTIVE = "val_0016E5"
DAVIS_WORDS = (
    "swan, camel, car, dog, person, horse, bicycle, motorcycle, cow, goat, grass, tree, road, sky, building, "
    "water, fence, wall, sand, rock"
)


def held_out(root: Path) -> Iterator[Pair]:
    for stem in sorted((root / "held_out.txt").read_text().split()):
        yield root / "images" / f"{stem}.jpg", root / "labels" / f"{stem}.png"


def frames(root: Path, sequence: str = "*") -> Iterator[Pair]:
    for image in sorted(root.glob(f"data/{sequence}/origin/*")):
        yield image, image.parents[1] / "mask" / f"{image.stem}.png"


def confusion(segmenter: Segmenter, pairs: Iterable[Pair], names: Sequence[str], first: int) -> Confusion:
    """Of the classes `names`, whose ids count from `first`; the segmenter may know only some of them."""
    places = np.array([names.index(word) for word in segmenter.vocabulary.names], np.uint8)
    total = Confusion.empty(len(names))
    for image, label in pairs:
        segmenter.reset()
        predicted = segmenter.step(np.asarray(Image.open(image).convert("RGB"))).labels
        total.update(true_ids(label, len(names), first), places[predicted], IGNORED)
    return total


def true_ids(label: Path, classes: int, first: int = 0) -> npt.NDArray[np.uint8]:
    """Ids that count from `first`; all others are ignored."""
    ids = np.asarray(Image.open(label)).astype(np.int64) - first
    return np.where((ids >= 0) & (ids < classes), ids, IGNORED).astype(np.uint8)


def row(title: str, found: Confusion, names: Sequence[str]) -> str:
    iou = class_iou(found)
    present = np.flatnonzero(~np.isnan(iou))
    order = present[np.argsort(-iou[present])]
    best = [f"{names[i]} {100 * iou[i]:.0f}" for i in (*order[:3], *order[-3:])]
    return (
        f"| {title} | {100 * mean_iou(found):.1f} | {100 * pixel_accuracy(found):.1f} "
        f"| {', '.join(best[:3])} ... {', '.join(best[3:])} |"
    )


def steadiness(segmenter: Segmenter, root: Path) -> str:
    """mVC8, mVC16, mIoU and pixel accuracy on the consecutive frames of CamVid."""
    n = len(segmenter.vocabulary)
    meter, total = VideoMeter(IGNORED), Confusion.empty(n)
    segmenter.reset()
    for image, label in frames(root, CONSECUTIVE):
        predicted = segmenter.step(np.asarray(Image.open(image).convert("RGB"))).labels
        meter.update(np.asarray(Image.open(label)), predicted)
        total.update(true_ids(label, n), predicted, IGNORED)
    video = [meter.finish()]
    vc8, vc16 = (100 * mean_consistency(video, length, "paper").value for length in (8, 16))
    return f"{vc8:.1f} | {vc16:.1f} | {100 * mean_iou(total):.1f} | {100 * pixel_accuracy(total):.1f}"


def objects(
    segmenter: Segmenter, root: Path, first: int | None = None, sequences: Sequence[str] = ()
) -> dict[str, float]:
    """IoU of the named object of some or all sequences of DAVIS, or of its first frames, in percent."""
    names = segmenter.vocabulary.names
    rows = (line.split(maxsplit=2) for line in (root / "sequences.txt").read_text().splitlines())
    wanted = {name: words for name, _, words in rows}
    result = {}
    for folder in sorted((root / "data").iterdir()):
        if sequences and folder.name not in sequences:
            continue
        ids = [names.index(word) for word in wanted[folder.name].split("+")]
        both = either = 0
        segmenter.reset()
        for image, label in itertools.islice(frames(root, folder.name), first):
            predicted = segmenter.step(np.asarray(Image.open(image).convert("RGB"))).labels
            truth = np.asarray(Image.open(label))
            counted = truth != IGNORED
            ours, theirs = np.isin(predicted, ids) & counted, (truth > 0) & counted
            both, either = both + int((ours & theirs).sum()), either + int((ours | theirs).sum())
        result[folder.name] = 100 * both / max(either, 1)
    return result


def videos(model: Tiny, camvid: Path | None, davis: Path | None, size: int | None) -> None:
    print(
        "\n| labels | mVC8 | mVC16 | mIoU | pixel accuracy | DAVIS, object IoU |\n"
        + "| --- "
        + "| ---: " * 5
        + "|"
    )
    for title, smoothing in (("each frame alone", 0.0), ("with its memory", TinyOptions.smoothing)):
        model.smoothing, model.recurrent = smoothing, smoothing > 0
        steady, mean, each = "- | - | - | -", "-", ""
        if camvid is not None:
            classes = [name for _, name in sorted(read_classes(camvid).items())]
            vocabulary = Vocabulary(tuple(Label(c, (c,)) for c in classes))
            steady = steadiness(Segmenter(model, vocabulary, size=size), camvid)
        if davis is not None:
            found = objects(Segmenter(model, DAVIS_WORDS, size=size), davis)
            mean = f"{np.mean(list(found.values())):.1f}"
            each = ": " + ", ".join(f"{name} {value:.1f}" for name, value in found.items())
        print(f"| {title} | {steady} | {mean}{each} |", flush=True)


def speed(model: Tiny, rounds: int = 15) -> None:
    """Frames of 427x320 in turn through the bare backbone and all the rest, with few words and many."""
    model.smoothing, model.recurrent = TinyOptions.smoothing, True
    pixels = np.random.default_rng(0).integers(0, 256, (320, 427, 3), np.uint8)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255

    def words(count: int) -> Segmenter:
        return Segmenter(model, ", ".join(f"word {i}" for i in range(count)), device="cpu")

    few, many = words(10), words(300)
    runs: dict[str, Callable[[], object]] = {
        "bare backbone": lambda: model.pair.backbone(image),
        "image encoder": lambda: model.pair.dense(image),
        "segmenter, 10 words": lambda: few.step(pixels),
        "segmenter, 300 words": lambda: many.step(pixels),
    }
    times: dict[str, list[float]] = {title: [] for title in runs}
    with torch.inference_mode():
        for _ in range(rounds):
            for title, run in runs.items():
                start = time.perf_counter()
                run()
                times[title].append(time.perf_counter() - start)
    backbone = np.median(times["bare backbone"])
    print("\n| 427x320 | ms a frame, median | against the backbone |\n| --- | ---: | ---: |")
    for title, measured in times.items():
        print(f"| {title} | {1000 * np.median(measured):.0f} | {np.median(measured) / backbone:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("voc", "coco", "camvid", "davis"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--weights", type=Path, help="a file to try instead of the bundled one")
    parser.add_argument("--size", type=int)
    parser.add_argument("--speed", action="store_true", help="time it as well")
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
        print(row(title, confusion(segmenter, pairs, classes, first), classes), flush=True)

    if arguments.camvid or arguments.davis:
        videos(model, arguments.camvid, arguments.davis, arguments.size)
    if arguments.speed:
        speed(model)


if __name__ == "__main__":
    main()
