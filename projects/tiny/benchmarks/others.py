"""*Everything else* of the bundled model: ways to find it, and what becomes of the words that are asked for.

Run `python -m projects.tiny.benchmarks.others --voc ROOT [--camvid ROOT] [--davis ROOT]` for the product as
it is. With `--choose ROOT...`, folders of pictures with labels, the ways to find it are compared first: each
word of a folder is asked for alone in each of its pictures. That is what the settings were chosen by.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from benchmarks.machine import describe
from openvss.evaluation.metrics.confusion import Confusion, class_iou, mean_iou, pixel_accuracy
from openvss.models.rest import prepare
from openvss.models.tiny.model import SCALE, Tiny
from openvss.segmenting.segmenter import Segmenter
from openvss.weights import bundled
from openvss.words.builtin import class_list
from openvss.words.rest import NAME
from openvss.words.vocabulary import Label, Vocabulary
from projects.tiny.benchmarks.score import (
    CONSECUTIVE,
    DAVIS_WORDS,
    IGNORED,
    Pair,
    confusion,
    frames,
    held_out,
    objects,
    true_ids,
)
from projects.tiny.data import VOC_SPELLING, read_classes

PICTURES = 100  # of each folder
STEPS = 400  # of a learned vector
MISSING = ("road", "sky")  # of CamVid's words


class Cells(NamedTuple):
    """A picture as the model sees it: (cells, D) vectors and, at the same places, the true ids."""

    vectors: Tensor
    truth: Tensor


Way = Callable[[str, Tensor], Tensor]  # a word alone and the cells' vectors: how much it exceeds all else


def training(root: Path) -> Iterator[Pair]:
    """Some pictures that are not held out."""
    kept_aside = set((root / "held_out.txt").read_text().split())
    labels = [label for label in sorted(root.glob("labels/*.png")) if label.stem not in kept_aside]
    for label in random.Random(0).sample(labels, min(PICTURES, len(labels))):
        yield next(root.glob(f"images/{label.stem}.*")), label


def words_of(root: Path) -> dict[int, str]:
    classes = {i: VOC_SPELLING.get(name, name) for i, name in read_classes(root).items()}
    return {i: name for i, name in classes.items() if name != "background"}


def cells_of(segmenter: Segmenter, pairs: Iterable[Pair]) -> Iterator[Cells]:
    for image, label in pairs:
        segmenter.reset()
        segmenter.step(image)
        assert segmenter.state.last is not None
        dense = segmenter.state.last[0]["dense"][0]
        height, width = dense.shape[-2:]
        ids = Image.open(label).resize((width, height), Image.Resampling.NEAREST)
        yield Cells(dense.flatten(1).T.clone(), torch.from_numpy(np.asarray(ids).astype(np.int64)).flatten())


def alone(words: dict[int, str], cells: Sequence[Cells], way: Way) -> tuple[float, float]:
    """Mean IoU of the words where they are, and their mean share of the pictures where they are not."""
    ious, false = [], []
    for place, word in words.items():
        both = either = wrong = without = 0
        for vectors, truth in cells:
            found, counted, true = way(word, vectors) > 0, truth != IGNORED, truth == place
            if true.any():
                both += int((found & true).sum())
                either += int(((found | true) & counted).sum())
            else:
                wrong += int((found & counted).sum())
                without += int(counted.sum())
        if either:
            ious.append(100 * both / either)
            false.append(100 * wrong / max(without, 1))
    return float(np.mean(ious)), float(np.mean(false))


def ways(model: Tiny, learned_from: Sequence[tuple[dict[int, str], Sequence[Cells]]]) -> dict[str, Way]:
    """By name."""
    names = sorted({label[0] for name in ("ade150", "coco-stuff") for label in class_list(name).labels})
    hidden = embedded(model, names)
    vectors: dict[str, Tensor] = {}
    rests: dict[str, tuple[Tensor, Tensor]] = {}

    def vector(word: str) -> Tensor:
        if word not in vectors:
            vectors[word] = embedded(model, [word])[0]
        return vectors[word]

    def threshold(least: float) -> Way:
        return lambda word, cells: cells @ vector(word) - least

    def far_names(most: float) -> Way:
        def way(word: str, cells: Tensor) -> Tensor:
            far = hidden[hidden @ vector(word) < most]
            return cells @ vector(word) - (cells @ far.T).amax(1)

        return way

    def ours(word: str, cells: Tensor) -> Tensor:
        if word not in rests:
            rest = prepare(model, Vocabulary((Label(word, (word,)), Label(NAME, (NAME,)))), 1)
            rests[word] = rest.words.embeddings[1:, 0], rest.handicaps
        others, handicaps = rests[word]
        return SCALE * cells @ vector(word) - (SCALE * cells @ others.T - handicaps).amax(1)

    null = learned(learned_from, vector)
    found: dict[str, Way] = {f"cosine above {least}": threshold(least) for least in (0.2, 0.25, 0.3, 0.35)}
    found["a learned vector"] = lambda word, cells: cells @ (vector(word) - null[:-1]) - null[-1]
    found |= {f"names whose cosine is below {most}": far_names(most) for most in (0.45, 0.5, 0.55)}
    return found | {"names with handicaps (in use)": ours}


def embedded(model: Tiny, names: Sequence[str]) -> Tensor:
    return model.embed(Vocabulary(tuple(Label(name, (name,)) for name in names))).embeddings[:, 0]


def learned(
    sets: Sequence[tuple[dict[int, str], Sequence[Cells]]], vector: Callable[[str], Tensor]
) -> Tensor:
    """A vector and an offset that tell every word's cells from all others, (D + 1,)."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        null = torch.zeros(len(vector("dog")) + 1, requires_grad=True)
        optimiser, choice = torch.optim.Adam([null], 1e-2), random.Random(0)
        for _ in range(STEPS):
            words, cells = choice.choice(sets)
            vectors, truth = choice.choice(cells)
            place = choice.choice([i for i in truth.unique().tolist() if i in words] or list(words))
            margin = SCALE * (vectors @ (vector(words[place]) - null[:-1]) - null[-1])
            counted = truth != IGNORED
            loss = F.binary_cross_entropy_with_logits(margin[counted], (truth == place)[counted].float())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return null.detach()


def compare_ways(model: Tiny, chosen_on: Sequence[Path], kept_aside: Path) -> None:
    segmenter = Segmenter(model, "dog", device="cpu")
    sets = [(words_of(root), list(cells_of(segmenter, training(root)))) for root in chosen_on]
    test = words_of(kept_aside), list(cells_of(segmenter, held_out(kept_aside)))
    titles = [root.name for root in chosen_on]
    print("\n| each word alone: IoU / share of pictures without it |", end="")
    print(*titles, f"mean | {kept_aside.name}, held out", sep=" | ", end=" |\n| --- |")
    print(" ---: |" * (len(titles) + 2))
    for title, way in ways(model, sets).items():
        each = [alone(words, cells, way) for words, cells in (*sets, test)]
        mean = np.mean(each[:-1], axis=0)
        shown = [f"{iou:.1f} / {false:.1f}" for iou, false in (*each[:-1], mean, each[-1])]
        print(f"| {title} |", *shown, sep=" | ", end=" |\n", flush=True)


def voc(model: Tiny, root: Path) -> None:
    """All 21 classes of VOC, with "background" as a phrase and as everything else."""
    names = ["background", *words_of(root).values()]
    for title, others in (("a phrase", False), ("everything else", None)):
        segmenter = Segmenter(model, vocabulary(names), others=others)
        total = confusion(segmenter, held_out(root), names, 0)
        iou = 100 * class_iou(total)
        print(
            f'| VOC held out, 21 classes, "background" as {title} | mIoU {100 * mean_iou(total):.1f}, '
            f"pixels {100 * pixel_accuracy(total):.1f}, background {iou[0]:.1f} |",
            flush=True,
        )


def vocabulary(names: Iterable[str]) -> Vocabulary:
    return Vocabulary(tuple(Label(name, (name,)) for name in names))


def davis(model: Tiny, root: Path) -> None:
    """Each object of DAVIS among twenty words, and alone."""
    by_hand = objects(Segmenter(model, DAVIS_WORDS), root)
    rows = (line.split(maxsplit=2) for line in (root / "sequences.txt").read_text().splitlines())
    wanted = {name: words.replace("+", ", ") for name, _, words in rows}
    single: dict[str, float] = {}
    for name in by_hand:
        single |= objects(Segmenter(model, wanted[name], others=True), root, sequences=[name])
    for title, found in (("a list of twenty words", by_hand), ("its own words and everything else", single)):
        each = ", ".join(f"{name} {value:.1f}" for name, value in found.items())
        print(f"| DAVIS, object IoU, {title} | {np.mean(list(found.values())):.1f}: {each} |", flush=True)


def camvid(model: Tiny, root: Path) -> None:
    """CamVid with all its words, and without two of them: what becomes of their pixels and of the others."""
    names = [name for _, name in sorted(read_classes(root).items())]
    kept = [name for name in names if name not in MISSING]
    rows = {}
    for title, asked in (("all words", names), ("without " + " and ".join(MISSING), [*kept, NAME])):
        segmenter, total = Segmenter(model, vocabulary(asked)), Confusion.empty(len(names) + 1)
        places = np.array([names.index(word) if word in names else len(names) for word in asked], np.uint8)
        for image, label in frames(root, CONSECUTIVE):
            total.update(true_ids(label, len(names)), places[segmenter.step(image).labels], IGNORED)
        iou = 100 * class_iou(total)
        rows[title] = {name: iou[names.index(name)] for name in kept}
        taken = total.matrix[[names.index(name) for name in MISSING]]
    share = 100 * taken[:, len(names)].sum() / taken.sum()
    each = 100 * taken[:, len(names)] / taken.sum(1)
    named = ", ".join(f"{name} {value:.1f}" for name, value in zip(MISSING, each, strict=True))
    print(f"| CamVid without these words: share that everything else takes | {share:.1f}: {named} |")
    for title, found in rows.items():
        print(f"| CamVid, IoU, {title} | " + ", ".join(f"{n} {v:.1f}" for n, v in found.items()) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voc", type=Path, required=True)
    for name in ("camvid", "davis"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--choose", type=Path, nargs="+", default=[])
    parser.add_argument("--weights", type=Path, help="a file to try instead of the bundled one")
    arguments = parser.parse_args()
    model = Tiny()
    bundled.load_into(model, arguments.weights or bundled.path("tiny"))
    model.eval()
    print(describe())
    if arguments.choose:
        compare_ways(model, arguments.choose, arguments.voc)
    print("\n| | |\n| --- | --- |")
    voc(model, arguments.voc)
    if arguments.camvid:
        camvid(model, arguments.camvid)
    if arguments.davis:
        davis(model, arguments.davis)


if __name__ == "__main__":
    main()
