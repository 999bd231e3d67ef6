"""What early rejection saves at 459 words, on a model that knows what it sees.

    python -m projects.toy.early_rejection --out DIR

The model is SED on the toy pair, trained first on rendered pictures, the pair included (an hour of one core):
38 words are in the pictures, the others never are, and a step has at most 254 of them; in half of the last
steps early rejection is at work. At test there are 459, on pictures of two things before sky and ground, as
in training, and of one, which have fewer borders. No picture shows a square: at this size a square that is
turned and half hidden is a disc as well, and where the answer is open, any change gives another one. Plain
path and early rejection label the same pictures in turn; times are processor time of one thread, of the
decoder alone. "Inside" is two pixels away from where one thing ends.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.machine import describe
from openvss.data.catalogue import open_dataset
from openvss.engines.inputs import shrink, to_input
from openvss.models.base import Fused
from openvss.models.stseg.sed import SED
from openvss.models.trained import load_model
from openvss.models.words import WordEmbeddings
from openvss.training.recipe.reader import read_stages
from openvss.training.run import RunOptions, train
from openvss.training.runs.log import Watcher
from openvss.video.images import read_image
from openvss.words.vocabulary import Vocabulary
from projects.toy.data import SEEN, ToyVideos, make_seen_videos
from projects.toy.pair import PairSettings, train_pair

SIZE = (80, 80)
LOOKS = tuple(look for look in SEEN if look.shape != "square")
WORDS, WORDS_AT_FIRST = 459, 254
RECIPE = Path("projects/toy/recipes/stseg-many.yaml")


@dataclass
class Way:
    """One way through the decoder, and what it did.

    Attributes:
        topk: Of early rejection, None for the plain path.
        seconds: In all.
        left: Words that were not rejected, in all.
        labels: Of each picture.
    """

    topk: int | None
    seconds: float
    left: int
    labels: list[Tensor]


def measure(model: SED, words: WordEmbeddings, pictures: Sequence[Fused], topks: Sequence[int]) -> list[Way]:
    """All ways, in turn on each picture."""
    ways = [Way(topk, 0.0, 0, []) for topk in (None, *topks)]
    for fused in pictures:
        for way in ways:
            model.topk = way.topk
            began = time.process_time()
            logits = model.score(fused, words).logits
            way.seconds += time.process_time() - began
            way.left += int((logits[0, :, 0, 0] > -99).sum())
            way.labels.append(F.interpolate(logits, SIZE, mode="bilinear")[0].argmax(0))
    return ways


def trained(out: Path) -> SED:
    """The toy model, trained if it is not there."""
    some = _pictures(out / "data", WORDS_AT_FIRST)
    everything = _pictures(out / "all", WORDS)
    start = out / "start.safetensors"
    if not start.exists():
        pair = train_pair(0, PairSettings(size=SIZE, window=SIZE[1] // 2))
        save_file({f"pair.toy.{name}": value.clone() for name, value in pair.state_dict().items()}, start)
    changes = [f"stages.0.model.init_from={start}", f"data.train.0.set={some}"]
    changes.append(f"stages.2.data.train.0.set={everything}")
    stages = read_stages(RECIPE, changes)
    run = train(stages, out / "run", RunOptions(resume=True, cpu=True), Watcher(say=print))
    model = load_model(str(run))
    assert isinstance(model, SED)
    return model


def _pictures(root: Path, words: int, things: int = 2) -> str:
    """The data set of the pictures with that many words, most of which no picture shows."""
    if not root.exists():
        videos = ToyVideos(1500, 1, 40, 1, SIZE, things, noise=0.05, blur=0.0, occlusion=0.0)
        draft = root.with_suffix(".draft")
        make_seen_videos(draft, 0, videos, LOOKS)
        lines = [f"{number} {name}\n" for number, name in enumerate(names()[:words])]
        (draft / "classes.txt").write_text("".join(lines), encoding="utf-8")
        draft.rename(root)
    return f"folder:{root}"


def away_from_borders(truth: Tensor) -> Tensor:
    """(n, H, W): where all is one thing within two pixels."""
    ids = truth[:, None].float()
    return (F.max_pool2d(ids, 5, 1, 2) == -F.max_pool2d(-ids, 5, 1, 2))[:, 0]


def names() -> list[str]:
    """Those of rendered things, then such as no picture shows."""
    others = [label.name for label in Vocabulary.parse("pc459")]
    return [*(look.word for look in LOOKS), *others][:WORDS]


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--topk", type=int, nargs="+", default=[8, 12, 16, 20, 24])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with torch.inference_mode(False), torch.enable_grad():
        model = trained(arguments.out)
    words = model.embed(Vocabulary.parse(", ".join(names())))
    print(f"{describe()}\n{len(words.names)} words")
    one = _pictures(arguments.out / "one", WORDS, things=1)
    for title, name in (("two things", f"folder:{arguments.out / 'all'}"), ("one thing", one)):
        report(title, name, model, words, arguments.pictures, arguments.topk)


def report(title: str, name: str, model: SED, words: WordEmbeddings, most: int, topks: Sequence[int]) -> None:
    """The table of a data set's test pictures."""
    dataset = open_dataset(name, "test")
    clips = dataset.clips[:most]
    frames = [read_image(clip.frames[0]) for clip in clips]
    masks = [dataset.read_label(file) for clip in clips if (file := clip.labels[0]) is not None]
    truth = torch.stack([torch.from_numpy(mask.astype("int64")) for mask in masks])
    pictures = [
        model.fuse(model.encode(to_input(shrink(frame, SIZE), model.device)), ())[0] for frame in frames
    ]
    plain, *ways = measure(model, words, pictures, topks)
    n = len(pictures)
    right, inside = torch.stack(plain.labels) == truth, away_from_borders(truth)
    print(f"\n{n} pictures of {title}; {100 * inside.float().mean():.0f} % of the pixels are inside\n")
    print("| topk | words left | ms a picture | times faster | right | same | of right | inside |")
    print("| ---: " * 8 + "|")
    for way in (plain, *ways):
        labels = torch.stack(way.labels)
        same = labels == torch.stack(plain.labels)
        numbers = f"{way.left / n:.0f} | {1000 * way.seconds / n:.0f} | {plain.seconds / way.seconds:.1f}"
        shares = [(labels == truth).float().mean(), same.float().mean()]
        shares += [same[those].float().mean() for those in (right, inside)]
        cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
        print(f"| {way.topk or 'none'} | {numbers} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
