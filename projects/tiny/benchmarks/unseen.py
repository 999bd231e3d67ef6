"""Words that no training picture carried: the bundled model trained without some words, and two baselines.

Run `python -m projects.tiny.benchmarks.unseen --voc ROOT --coco ROOT --run RUN [--set KEY=VALUE]`. It
trains in the folder RUN, or resumes there, by `projects/tiny/recipe.yaml` without every sixth of the data
sets' words in alphabetical order, from the first.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.machine import describe
from openvss.cli.training_progress import watching
from openvss.evaluation.metrics.confusion import class_iou
from openvss.models.base import VideoModel
from openvss.models.encoders.tiny import TEMPLATES
from openvss.models.tiny.model import Tiny
from openvss.models.words import embed
from openvss.segmenting.segmenter import Segmenter
from openvss.training.recipe.reader import read_stages
from openvss.training.run import RunOptions
from openvss.weights import bundled
from openvss.words.vocabulary import Label, Vocabulary
from projects.tiny.benchmarks.score import confusion, held_out
from projects.tiny.data import VOC_SPELLING, read_classes, read_words
from projects.tiny.rounds import VIEWS, train
from projects.tiny.streets import NEW_WORDS

RECIPE = Path(__file__).parents[1] / "recipe.yaml"
EVERY = 6


def left_out() -> list[str]:
    names = {synonyms[0] for synonyms in read_words("words.txt")}
    return sorted(names.difference(NEW_WORDS))[::EVERY]


def trained(voc: Path, coco: Path, run: Path, changes: Sequence[str], views: int) -> Path:
    """The weights, once they are made."""
    sets = list(changes)
    for place, root in enumerate((voc, coco)):
        names = [name for name in read_classes(root).values() if VOC_SPELLING.get(name, name) in left_out()]
        sets += [f"data.train.{place}.set=folder:{root}", f"data.train.{place}.without={json.dumps(names)}"]
    with watching(as_json=False) as watcher:
        return train(read_stages(RECIPE, sets), run, RunOptions(resume=True, cpu=True), watcher, views)


def vocabulary(names: Sequence[str]) -> Vocabulary:
    return Vocabulary(tuple(Label(name, (name,)) for name in names))


def nearest(names: Sequence[str], seen: Sequence[str], model: Tiny) -> list[int]:
    """For each name the place of the seen word whose text is most alike."""
    text = model.pair.text
    ours, theirs = (embed(vocabulary(some), text, TEMPLATES).embeddings[:, 0] for some in (names, seen))
    best: list[int] = (ours @ theirs.T).argmax(1).tolist()
    return best


def of_model(model: VideoModel, root: Path, names: Sequence[str], first: int) -> npt.NDArray[np.float64]:
    """IoU of every name when all are asked for; nan where a name is not in the pictures."""
    return class_iou(confusion(Segmenter(model, vocabulary(names)), held_out(root), names, first))


def of_nearest(model: Tiny, root: Path, names: Sequence[str], first: int) -> npt.NDArray[np.float64]:
    """The same when only seen words are asked for, and any other word is where the seen one nearest to it is.

    This flatters the baseline: a region may be both words.
    """
    unseen = left_out()
    seen = [name for name in names if name not in unseen]
    found = confusion(Segmenter(model, vocabulary(seen)), held_out(root), names, first)
    stand_in = [names.index(seen[place]) for place in nearest(names, seen, model)]
    hits, truth = found.matrix[range(len(names)), stand_in], found.pixels
    return np.where(truth > 0, hits / np.maximum(truth + found.predicted[stand_in] - hits, 1), np.nan)


def row(title: str, iou: npt.NDArray[np.float64], names: Sequence[str]) -> str:
    is_unseen, present = np.isin(names, left_out()), ~np.isnan(iou)
    seen, unseen = (100 * float(iou[present & part].mean()) for part in (~is_unseen, is_unseen))
    each = ", ".join(f"{names[i]} {100 * iou[i]:.0f}" for i in np.flatnonzero(is_unseen & present).tolist())
    return f"| {title} | {seen:.1f} | {unseen:.1f} | {2 * seen * unseen / (seen + unseen):.1f} | {each} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("voc", "coco", "run"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], help="change a key of the recipe")
    parser.add_argument("--views", type=int, default=VIEWS)
    given = parser.parse_args()
    weights = trained(given.voc, given.coco, given.run, given.set, given.views)
    model, alone = Tiny().eval(), Tiny(smoothing=0).eval()
    for one in (model, alone):
        bundled.load_into(one, weights)
    print(describe(), f"\n\nLeft out: {', '.join(left_out())}")
    for title, root, first in (("VOC", given.voc, 1), ("COCO", given.coco, 0)):
        names = [
            VOC_SPELLING.get(c, c) for number, c in sorted(read_classes(root).items()) if number >= first
        ]
        print(f"\n| {title}, held-out pictures | seen | unseen | harmonic | unseen words |")
        print("| --- | ---: | ---: | ---: | --- |")
        print(row("nearest training word", of_nearest(model, root, names, first), names), flush=True)
        print(row("each frame alone", of_model(alone, root, names, first), names), flush=True)
        print(row("the model", of_model(model, root, names, first), names), flush=True)


if __name__ == "__main__":
    main()
