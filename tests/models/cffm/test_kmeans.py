from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.pretend import PretendDevice
from openvss.models.cffm import kmeans
from openvss.models.cffm.kmeans import cluster, prototypes


def blobs(k: int = 6, each: int = 30, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Tokens around k distant centres, and the centres."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(k, 5, generator=generator) * 20
    tokens = centres.repeat_interleave(each, 0) + torch.randn(k * each, 5, generator=generator)
    return tokens[torch.randperm(len(tokens), generator=generator)], centres


def naive(tokens: list[list[float]], centres: list[list[float]]) -> tuple[list[list[float]], list[int]]:
    labels = [0] * len(tokens)
    for _ in range(10):
        for i, token in enumerate(tokens):
            distances = [math.dist(token, centre) for centre in centres]
            labels[i] = distances.index(min(distances))
        moved = []
        for j, centre in enumerate(centres):
            mine = [token for token, label in zip(tokens, labels, strict=True) if label == j]
            mean = (
                [sum(column) / len(mine) for column in zip(*mine, strict=True)]
                if mine
                else [0.0] * len(centre)
            )
            moved.append(mean)
        move = sum(math.dist(a, b) ** 2 for a, b in zip(centres, moved, strict=True))
        centres = moved
        if move <= 1e-4:
            break
    return centres, labels


def one_at_a_time(tokens: Tensor, centres: Tensor, *, revive: bool) -> tuple[Tensor, Tensor]:
    """`cluster` as its description has it: it looks at every number before it goes on."""

    def means() -> Tensor:
        sums = tokens.new_zeros(centres.shape).index_add(0, labels, tokens)
        return sums / labels.bincount(minlength=len(centres)).clamp(min=1)[:, None]

    for _ in range(10):
        labels = torch.addmm(centres.square().sum(1), tokens, centres.T, alpha=-2).argmin(1)
        counts = labels.bincount(minlength=len(centres)).tolist()
        empty = [cluster for cluster, count in enumerate(counts) if not count]
        far = (tokens - centres[labels]).square().sum(1).argsort(descending=True, stable=True)
        for token in far.tolist():
            if revive and empty and counts[labels[token]] > 1:
                counts[labels[token]] -= 1
                labels[token] = empty.pop(0)
        before, centres = centres, means()
        if (centres - before).square().sum() <= 1e-4:
            break
    return means(), labels


@pytest.mark.parametrize("revive", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_clusters_are_those_found_one_at_a_time(seed: int, revive: bool) -> None:
    """To the bit; also on a device, which is not waited for."""
    torch.manual_seed(seed)
    tokens, k = torch.randn(60, 3), (3, 8, 25)[seed % 3]
    if seed % 2:
        tokens = tokens.round()  # many alike
    start = torch.cat([tokens[: k // 2], 2 * torch.randn(k - k // 2, 3)])
    if seed % 4 > 1:
        tokens, start = tokens / 300, start / 300  # the centres soon move little, and other labels would come
    expected = one_at_a_time(tokens, start, revive=revive)
    with PretendDevice() as device:
        there = cluster(tokens.to(device.name), start.to(device.name), revive=revive)
        prototypes(tokens.to(device.name), k, official=not revive)
        assert not device.waits
        there = there[0].cpu(), there[1].cpu()
    for found in (cluster(tokens, start, revive=revive), there):
        assert torch.equal(found[0], expected[0])
        assert torch.equal(found[1], expected[1])


def test_clusters_are_what_loops_give() -> None:
    tokens, _ = blobs(each=8)
    start = tokens[:7]
    centres, labels = cluster(tokens, start)
    expected, wanted = naive(tokens.tolist(), start.tolist())
    assert labels.tolist() == wanted
    torch.testing.assert_close(centres, torch.tensor(expected), atol=1e-5, rtol=1e-5)


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, _ = blobs()
    whole = cluster(tokens, tokens[:5])[0]
    monkeypatch.setattr(kmeans, "CHUNK", 7)
    torch.testing.assert_close(cluster(tokens, tokens[:5])[0], whole)


def test_the_spread_start_finds_distant_groups() -> None:
    tokens, centres = blobs()
    found = prototypes(tokens, 6)
    assert torch.cdist(centres, found).min(1).values.max() < 1


def test_the_same_seed_gives_the_same_prototypes() -> None:
    tokens = torch.randn(200, 4, generator=torch.Generator().manual_seed(3))
    torch.manual_seed(7)
    first = prototypes(tokens, 10)
    torch.manual_seed(8)
    assert torch.equal(prototypes(tokens, 10), first)
    assert not torch.equal(prototypes(tokens, 10, seed=1), first)


def test_an_empty_cluster_is_zero_officially_and_starts_again_otherwise() -> None:
    tokens = blobs(k=1)[0] + 100  # far from zero, which gets no token either
    start = torch.cat([tokens[:1], torch.full((1, 5), 1e4)])
    assert not cluster(tokens, start)[0][1].any()
    centres, labels = cluster(tokens, start, revive=True)
    assert labels.bincount(minlength=2).min() > 0
    assert centres[1].any()


def test_more_centres_than_different_tokens() -> None:
    tokens = torch.eye(3).repeat(4, 1)
    assert prototypes(tokens, 100).shape == (12, 3)
    assert torch.isfinite(prototypes(tokens, 5)).all()
    assert torch.isfinite(prototypes(torch.zeros(4, 3), 2)).all()
    assert prototypes(tokens, 5, official=True).shape == (5, 3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("official", [False, True])
def test_half_precision_is_of_the_tokens_alone(dtype: torch.dtype, official: bool) -> None:
    """Distances and sums are those of the same tokens in float32, whatever autocast says."""
    tokens = (torch.randn(1300, 16, generator=torch.Generator().manual_seed(5)) + 1).to(dtype)
    expected = prototypes(tokens.float(), 2, official=official)
    found = prototypes(tokens, 2, official=official)
    with torch.autocast("cpu", dtype):
        cast = prototypes(tokens, 2, official=official)
        cast_wide = prototypes(tokens.float(), 2, official=official)
    for one in (found, cast, cast_wide):
        assert one.dtype == torch.float32
        assert torch.equal(one, expected)


class Results(TorchDispatchMode):
    """Notes the types of numbers that are computed, as a device would that adds up in its inputs' own."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.types: set[torch.dtype] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.types |= {x.dtype for x in tree_leaves(result) if isinstance(x, Tensor)}
        return result


@pytest.mark.parametrize("official", [False, True])
def test_nothing_is_computed_in_half_precision(official: bool) -> None:
    """In bfloat16 a sum of ones stops at 256."""
    tokens = torch.ones(650, 3, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16), Results() as results:
        found = prototypes(tokens, 1, official=official)
    assert torch.bfloat16 not in results.types
    assert torch.equal(found, torch.ones(1, 3))


def test_gradients_reach_every_token() -> None:
    tokens = blobs()[0].requires_grad_()
    prototypes(tokens, 6).square().sum().backward()
    assert tokens.grad is not None
    assert (tokens.grad.abs().sum(1) > 0).all()
