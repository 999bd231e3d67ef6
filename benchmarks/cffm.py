"""CFFM: what its context costs over SegFormer, what streaming saves, and what was tried to make it cheap.

Run `python -m benchmarks.cffm`; it prints four tables and the machine. Weights are random: the cost does not
depend on them. Times are processor time of one thread, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping

import psutil
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.machine import describe
from benchmarks.stream import scene
from openvss.models.base import VideoModel
from openvss.models.cffm.mine import HIDDEN, Mine, WindowAttention
from openvss.models.cffm.model import CFFM
from openvss.models.cffm.tables import tables
from openvss.models.cost import Subject, interleave, multiply_adds, peak_bytes
from openvss.models.layers.mlp_head import MlpHead
from openvss.models.registry import build_model
from openvss.segmenting.segmenter import Segmenter

SIZE = (480, 853)


def preset(name: str) -> VideoModel:
    torch.manual_seed(0)
    return build_model(name).eval()


def frames(rounds: int, size: str) -> None:
    """A frame of each model, streaming and with its references encoded anew."""
    subjects = []
    for name in (f"segformer-{size}", f"cffm-{size}", f"cffm++-{size}"):
        model = preset(name)
        assert model.fixed_words is not None
        subjects.append(Subject(name, model, model.embed(model.fixed_words), SIZE, batch=1))
    segformer, cffm, plusplus = subjects
    far = len(plusplus.model.context_frames(100, 200))
    one = plusplus.model.encode_reference(plusplus.clip[:, -1])
    distant = {name: x.repeat(far, *[1] * (x.ndim - 1)) + torch.rand(x.shape) for name, x in one.items()}
    steps: dict[str, Callable[[], object]] = {
        segformer.name: segformer.stream,
        f"{cffm.name}, references cached": cffm.stream,
        f"{cffm.name}, references encoded anew": cffm.encode_all,
        f"{plusplus.name}, references and prototypes cached": plusplus.stream,
        "prototypes of 10 encoded frames, once in 10 frames": lambda: plusplus.model.summarise(distant),
    }
    times = [statistics.median(t) for t in interleave(list(steps.values()), rounds, time.process_time)]
    print("\n| a frame of 480x853 | GMACs | ms | x SegFormer | peak memory of its tensors (MB) |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for (name, step), ms in zip(steps.items(), times, strict=True):
        macs, peak = multiply_adds(step) / 1e9, peak_bytes(step) / 1e6
        print(f"| {name} | {macs:.1f} | {ms:.0f} | {ms / times[0]:.2f} | {peak:.0f} |")


def attention(rounds: int) -> None:
    """Ways to attend within windows, all with equal results, on one layer's tokens of a 480x853 frame."""
    model = preset("cffm-b1")
    assert isinstance(model, CFFM)
    layer = model.layers[0]
    assert isinstance(layer, Mine)
    window = layer.attention
    assert isinstance(window, WindowAttention)
    x = torch.randn(1, 60, 106, 256)
    places = tables(window.geometry, 60, 106, x.device)
    with torch.inference_mode():
        pooled = layer.assemble(x, [x, x, x])
        q, k, v = window._tokens(x.flatten(1, 2), pooled, places)
        bias = window.bias()[None]
    narrow = [t[..., :32].contiguous() for t in (q, k, v)]
    hidden = torch.where(places.keys == places.nothing, HIDDEN, 0.0)[:, None, None]

    def gather(t: Tensor, index: Tensor) -> Tensor:
        return t.index_select(1, index.flatten()).view(len(index), -1, *t.shape[2:]).transpose(1, 2)

    def fused(queries: Tensor, keys: Tensor) -> Tensor:
        parts = gather(q, queries), gather(k, keys), gather(v, keys)
        return F.scaled_dot_product_attention(*parts, attn_mask=bias, scale=1.0)

    def chunks() -> Tensor:
        pairs = zip(places.queries.split(16), places.keys.split(16), strict=True)
        return torch.cat([fused(a, b) for a, b in pairs])

    def masked() -> Tensor:
        a, b, c = narrow
        parts = gather(a, places.queries), gather(b, places.keys), gather(c, places.keys)
        return F.scaled_dot_product_attention(*parts, attn_mask=bias + hidden, scale=1.0)

    def written_out() -> Tensor:
        a, b, c = narrow
        scores = gather(a, places.queries) @ gather(b, places.keys).transpose(-1, -2)
        return (scores + bias + hidden).softmax(-1) @ gather(c, places.keys)

    _compare(
        "attention of all windows",
        {
            "softmax(Q K^T + B) V written out": written_out,
            "one fused call, B and the mask of borders materialised": masked,
            "one fused call, the mask as a channel of Q and K": lambda: fused(places.queries, places.keys),
            "the same, 16 windows at a time (in use)": chunks,
        },
        rounds,
        lambda t: t[..., :32],
    )


def decoder(rounds: int) -> None:
    """SegFormer's decoder as written in its paper, and ours, on MiT-B1's maps of a 480x853 frame."""
    torch.manual_seed(0)
    channels = (64, 128, 320, 512)
    head = MlpHead(channels, 256).eval()
    maps = [
        torch.randn(1, c, -(-480 // s), -(-853 // s)) for c, s in zip(channels, (4, 8, 16, 32), strict=True)
    ]
    fuse = torch.cat([one.get_parameter("weight") for one in head.fuse], dim=1)

    def as_written() -> Tensor:
        size = maps[0].shape[-2:]
        wide = [
            F.interpolate(reduce(x), size, mode="bilinear")
            for reduce, x in zip(head.reduce, maps, strict=True)
        ]
        return F.relu(head.norm(F.conv2d(torch.cat(wide, 1), fuse)))

    _compare(
        "decoder",
        {
            "reduce, upsample, concatenate, fuse": as_written,
            "both layers as one matrix before upsampling, channels last (in use)": lambda: head(maps),
        },
        rounds,
        lambda t: t,
    )


def _compare(
    title: str, ways: Mapping[str, Callable[[], Tensor]], rounds: int, part: Callable[[Tensor], Tensor]
) -> None:
    with torch.inference_mode():
        expected = part(next(iter(ways.values()))())
        series = interleave(list(ways.values()), rounds, time.process_time)
        print(f"\n| {title} | ms | peak memory of its tensors (MB) | largest difference |")
        print("| --- | ---: | ---: | ---: |")
        for (name, way), times in zip(ways.items(), series, strict=True):
            off = (part(way()) - expected).abs().max()
            print(f"| {name} | {statistics.median(times):.0f} | {peak_bytes(way) / 1e6:.0f} | {off:.0e} |")


def memory(n: int) -> None:
    """A long stream through a small CFFM++."""
    options = {"backbone": "mit-nano", "words": "road, sky, car", "dim": 32, "heads": 4, "prototypes": 20}
    torch.manual_seed(0)
    segmenter = Segmenter(build_model("cffm++-b1", options), "road, sky, car", size=64, device="cpu")
    process, resident = psutil.Process(), []
    for t, pixels in enumerate(scene(n, 96, 64)):
        segmenter.step(pixels)
        if t % 50 == 49:
            resident.append((process.memory_info().rss, segmenter.state.nbytes))
    warm = len(resident) // 5
    (before, held), (after, still) = resident[warm], resident[-1]
    print("\n| frames | resident after a fifth (MB) | at the end (MB) | growth | state then, now (MB) |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    growth = f"{(after / before - 1) * 100:+.2f} %"
    print(
        f"| {n} | {before / 1e6:.1f} | {after / 1e6:.1f} | {growth} | {held / 1e6:.2f}, {still / 1e6:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="b1", help="of MiT")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=3000, help="length of the memory test")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(describe())
    memory(arguments.frames)  # first: memory that other tables leave behind would hide growth
    frames(arguments.rounds, arguments.size)
    attention(arguments.rounds)
    decoder(arguments.rounds)


if __name__ == "__main__":
    main()
