"""k-means on the tokens of a video (Sec. 4.1): their centres are the contextual prototypes.

Nothing here waits for a GPU: decisions that depend on numbers are made there. On the processor, where the
numbers are at hand, work that would change nothing is left out.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

ITERATIONS = 10
TOLERANCE = 1e-4  # of the summed squared moves of all centres
CHUNK = 16_384  # tokens whose distances are in memory at once
CANDIDATES = 20  # tokens for each centre that the start is chosen from


def prototypes(tokens: Tensor, k: int, seed: int = 0, official: bool = False) -> Tensor:
    """(n, C) -> (min(k, n), C), the same for the same seed on every device.

    All of it is computed in float32 at least: in half precision a sum of hundreds of tokens stops growing.

    Args:
        tokens: Of all chosen frames.
        k: How many centres.
        seed: Of the start.
        official: Start at random tokens, one perhaps twice, and let the centre of an empty cluster be zero,
            as the authors do. Else the start is spread out (k-means++) and an empty cluster starts again.
    """
    tokens, k = _precise(tokens), min(k, len(tokens))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        if official:
            start = tokens[torch.randint(len(tokens), (k,), generator=generator).to(tokens.device)]
        else:
            start = _spread(tokens, k, generator)
    return cluster(tokens, start, revive=not official)[0]


def cluster(tokens: Tensor, centres: Tensor, revive: bool = False) -> tuple[Tensor, Tensor]:
    """Lloyd's algorithm: (k, C) centres and the (n,) cluster of each token before the last move.

    The centres are differentiable means of their tokens; which tokens those are is not learned.

    Args:
        tokens: (n, C).
        centres: (k, C) to start from.
        revive: Put the centre of an empty cluster at the token that is farthest from its own.
    """
    tokens, centres = _precise(tokens), _precise(centres)
    with torch.no_grad():
        labels = torch.zeros(len(tokens), dtype=torch.long, device=tokens.device)
        still = torch.zeros((), dtype=torch.bool, device=tokens.device)  # whether the centres are
        for _ in range(ITERATIONS):
            nearest = _nearest(tokens, centres)
            if revive:
                nearest = _revived(tokens, centres, nearest)
            labels = torch.where(still, labels, nearest)
            before, centres = centres, _means(tokens, labels, len(centres))
            still = (centres - before).square().sum() <= TOLERANCE
            if _at_hand(still):
                break
    return _means(tokens, labels, len(centres)), labels


def _precise(tokens: Tensor) -> Tensor:
    return tokens.to(torch.promote_types(tokens.dtype, torch.float32))


def _without_autocast(device: torch.device) -> AbstractContextManager[object]:
    known = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if known else nullcontext()


def _nearest(tokens: Tensor, centres: Tensor) -> Tensor:
    """Index of the nearest centre of each token."""
    lengths = centres.square().sum(1)
    # |x - c|^2 without |x|^2, which makes no difference to the choice
    with _without_autocast(tokens.device):
        chunks = [torch.addmm(lengths, chunk, centres.T, alpha=-2).argmin(1) for chunk in tokens.split(CHUNK)]
    return torch.cat(chunks)


def _means(tokens: Tensor, labels: Tensor, k: int) -> Tensor:
    """Mean of the tokens of each cluster; zero if it has none."""
    sums = tokens.new_zeros(k, tokens.shape[1]).index_add(0, labels, tokens)
    return sums / _counts(labels, k).clamp(min=1)[:, None]


def _counts(labels: Tensor, k: int) -> Tensor:
    """(k,) tokens of each cluster; `bincount` would wait for the highest label."""
    return labels.new_zeros(k).index_add(0, labels, torch.ones_like(labels))


def _at_hand(flag: Tensor) -> bool:
    """Whether it is so, and known without waiting."""
    return flag.device.type == "cpu" and bool(flag)


def _revived(tokens: Tensor, centres: Tensor, labels: Tensor) -> Tensor:
    """The labels once each empty cluster has a token, the farthest from its centre that can be spared."""
    k, n = len(centres), len(tokens)
    counts = _counts(labels, k)
    if _at_hand((counts > 0).all()):
        return labels
    distances = (tokens - centres[labels]).square().sum(1)
    order = distances.argsort(descending=True, stable=True)
    clusters, places = labels[order], torch.arange(n, device=labels.device)
    # a cluster keeps its last, nearest token; one without tokens names the last of all, which is kept anyway
    kept = labels.new_full((k,), n - 1).scatter_reduce(0, clusters, places, "amax", include_self=False)
    spared = torch.ones_like(labels).index_fill(0, kept, 0)
    empty = (counts > 0).long().argsort(stable=True)  # empty clusters come first
    turn = (spared.cumsum(0) - 1).clamp(0, k - 1)
    moves = (spared > 0) & (spared.cumsum(0) <= (counts == 0).sum())
    return labels.scatter(0, order, torch.where(moves, empty[turn], clusters))


def _spread(tokens: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """k-means++ on a sample: each next centre is a token drawn in proportion to its squared distance."""
    sample = torch.randperm(len(tokens), generator=generator)[: CANDIDATES * k]
    candidates = tokens[sample.to(tokens.device)]
    chosen = [
        torch.zeros(1, dtype=torch.long, device=tokens.device)
    ]  # stays on the device: nothing waits for it
    distances = (candidates - candidates[0]).square().sum(1)
    for _ in range(k - 1):
        reached = distances.double().cumsum(0)
        drawn = torch.rand((), generator=generator, dtype=torch.float64).item() * reached[-1:]
        chosen.append(torch.searchsorted(reached, drawn).clamp(max=len(candidates) - 1))
        distances = torch.minimum(distances, (candidates - candidates[chosen[-1]]).square().sum(1))
    return candidates[torch.cat(chosen)]
