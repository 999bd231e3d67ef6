"""OV2VSS: what streaming saves, with equal outputs, and what each part of a frame costs.

Run `python -m benchmarks.ov2vss`; it prints three tables and the machine. Weights and words are random: the
cost does not depend on them.

Times are processor time of one thread, so that other work on the machine does not count. Two schedules label
the same frames:

streaming  each frame passes the backbone and the pair once, and is remembered in compact form
clip anew  all frames of the clip and the distant one pass the backbone again, and those that words look at
           pass the pair: the target (`clip_on_all=False`), or all of the clip, as in the authors' code

The memory of dense features is off in both, since it is more than a clip; it has a line of its own.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.machine import describe
from benchmarks.stream import scene
from openvss.models.base import FrameFeatures, VideoContext
from openvss.models.ov2vss.memory import remember
from openvss.models.ov2vss.model import OV2VSS
from openvss.models.registry import build_model
from openvss.models.words import WordEmbeddings

FIRST = 9  # the first frame that has all its references


def random_words(n: int, dim: int) -> WordEmbeddings:
    embeddings = torch.randn(n, 1, dim, generator=torch.Generator().manual_seed(n))
    return WordEmbeddings(tuple(f"word {i}" for i in range(n)), F.normalize(embeddings, dim=-1))


class Stream:
    """What the segmenter does with a model, without pixels and words around it."""

    def __init__(self, model: OV2VSS) -> None:
        self.model = model
        self.seen: list[FrameFeatures] = []
        self.context: VideoContext | None = None  # the farthest frame of the past is always the first

    def step(self, frame: Tensor, words: WordEmbeddings) -> Tensor:
        """Logits of the next frame."""
        model = self.model
        features = model.encode(frame)
        self.seen.append(model.compact(features))
        t = len(self.seen) - 1
        if self.context is None:
            self.context = model.summarise(self.seen[0])
        references = [self.seen[max(t - d, 0)] for d in model.references]
        fused, _ = model.fuse(features, references, self.context)
        return model.score(fused, words).logits


def anew(model: OV2VSS, clip: Tensor, t: int, words: WordEmbeddings) -> Tensor:
    wanted = [max(t - d, 0) for d in model.references]
    return model(clip[[*wanted, t]][None], words, clip[model.context_frames(t, t + 1)][None]).logits


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    start = time.process_time()
    result = work(*arguments)
    return time.process_time() - start, result


def schedules(model: OV2VSS, clip: Tensor, words: WordEmbeddings) -> None:
    times: dict[str, list[float]] = defaultdict(list)
    apart, stream = 0.0, Stream(model)
    for t in range(len(clip)):
        streamed, logits = timed(stream.step, clip[t : t + 1], words)
        if t < FIRST:
            continue
        times["streaming"].append(streamed)
        took, same = timed(anew, model, clip, t, words)
        times["clip anew"].append(took)
        apart = max(apart, float((same - logits).abs().max()))
    looked_at = "all frames" if model.options.clip_on_all else "the target"
    print(f"\nWords look at {looked_at}:")
    print(f"\n| {clip.shape[-2]}x{clip.shape[-1]}, {len(words.names)} words | ms a frame (median) | ", end="")
    print("times streaming, median (min to max) |\n| --- | ---: | ---: |")
    for name, all_took in times.items():
        ratios = [a / b for a, b in zip(all_took, times["streaming"], strict=True)]
        print(f"| {name} | {1000 * statistics.median(all_took):.0f} | ", end="")
        print(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |")
    print(f"\nLargest difference of two logits of one pixel and word: {apart:.1e}.")
    kept = sum(x.nbytes for x in stream.seen[-1].values())
    whole = sum(x.nbytes for x in model.encode(clip[:1]).values())
    print(f"A remembered frame takes {kept / 1e6:.2f} MB, all its features {whole / 1e6:.1f} MB.")


def parts(model: OV2VSS, clip: Tensor, words: WordEmbeddings, repeats: int) -> None:
    """Time inside the modules that a streaming step calls, and the rest."""
    assert model.stcf is not None
    assert model.vte is not None
    spent: dict[str, float] = defaultdict(float)
    watched: list[tuple[Any, str, str]] = [
        (model.backbone, "forward", "backbone"),
        (model.pair, "dense", "pair"),
        (model.stcf, "past", "STCF: chain of the references"),
        (model.stcf, "forward", "STCF: affinities and fusion"),
        (model.merge, "forward", "the target's own features"),
        (model.rfe, "forward", "RFE"),
        (model.vte, "look", "VTE"),
        (model.vte, "forward", "VTE"),
        (model.decoder, "fuse", "decoder, free of words"),
        (model.decoder, "score", f"decoder, {len(words.names)} words"),
    ]
    for owner, method, name in watched:
        setattr(owner, method, _timed(getattr(owner, method), name, spent))
    stream, total = Stream(model), 0.0
    for t in range(FIRST + repeats):
        if t == FIRST:
            spent.clear()
        took, _ = timed(stream.step, clip[t : t + 1], words)
        total += took if t >= FIRST else 0.0
    spent["projections, pooling, the rest"] = total - sum(spent.values())
    print("\n| part of a streaming step | ms | share |\n| --- | ---: | ---: |")
    for name, took in spent.items():
        print(f"| {name} | {1000 * took / repeats:.1f} | {100 * took / total:.1f} % |")
    for owner, method, _ in watched:
        delattr(owner, method)
    dense = model.encode(clip[:1])["dense"]
    took = min(timed(remember, dense, remember(dense, None, 0.9), 0.9)[0] for _ in range(3))
    print(f"| memory of dense features, not counted above | {1000 * took:.1f} | |")


def _timed(call: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    def wrapped(*arguments: Any) -> Any:
        took, result = timed(call, *arguments)
        spent[name] += took
        return result

    return wrapped


def words_of(model: OV2VSS, factorised: OV2VSS, clip: Tensor, counts: list[int]) -> None:
    print("\n| words | paper's decoder, ms | factorised, ms |\n| ---: | ---: | ---: |")
    for n in counts:
        row = []
        for each in (model, factorised):
            fused, _ = each.fuse(each.encode(clip[:1]), [each.encode_reference(clip[:1])] * 3)
            words = random_words(n, each.pair.dim)
            tries = [timed(each.score, fused, words)[0] for _ in range(3)]
            row.append(min(tries))
        print(f"| {n} | {1000 * row[0]:.1f} | {1000 * row[1]:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=864)
    parser.add_argument("--frames", type=int, default=2, help="frames measured")
    parser.add_argument("--words", type=int, default=20)
    parser.add_argument("--preset", default="ov2vss-mit-b2")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(describe())
    pixels = np.stack(list(scene(FIRST + arguments.frames, arguments.width, arguments.height)))
    clip = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255)
    torch.manual_seed(0)
    variants: list[dict[str, object]] = [{"clip_on_all": False}, {}, {"decoder": "factorised"}]
    built = [build_model(arguments.preset, {"smoothing": 0, **options}).eval() for options in variants]
    cheap, model, factorised = (m for m in built if isinstance(m, OV2VSS))
    words = random_words(arguments.words, model.pair.dim)
    with torch.inference_mode():
        schedules(cheap, clip, words)
        schedules(model, clip, words)
        parts(model, clip, words, arguments.frames)
        words_of(model, factorised, clip, [10, 124, 847])


if __name__ == "__main__":
    main()
