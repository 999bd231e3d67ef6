"""k-means on the tokens of a video (Sec. 4.1): their centres are the contextual prototypes."""

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
        for _ in range(ITERATIONS):
            labels = _nearest(tokens, centres)
            if revive:
                _revive(tokens, centres, labels)
            before, centres = centres, _means(tokens, labels, len(centres))
            if (centres - before).square().sum() <= TOLERANCE:
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
    return sums / torch.bincount(labels, minlength=k).clamp(min=1)[:, None]


def _revive(tokens: Tensor, centres: Tensor, labels: Tensor) -> None:
    """Give each empty cluster one token, the farthest from its centre among those that can be spared."""
    counts = torch.bincount(labels, minlength=len(centres))
    empty = (counts == 0).nonzero()[:, 0].tolist()
    if not empty:
        return
    distances = (tokens - centres[labels]).square().sum(1)
    for token in distances.argsort(descending=True, stable=True).tolist():
        if counts[labels[token]] > 1:
            counts[labels[token]] -= 1
            labels[token] = empty.pop(0)
        if not empty:
            return


def _spread(tokens: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """k-means++ on a sample: each next centre is a token drawn in proportion to its squared distance."""
    sample = torch.randperm(len(tokens), generator=generator)[: CANDIDATES * k]
    candidates = tokens[sample.to(tokens.device)]
    chosen = [torch.zeros(1, dtype=torch.long, device=tokens.device)]  # stays there: nobody waits for a place
    distances = (candidates - candidates[0]).square().sum(1)
    for _ in range(k - 1):
        reached = distances.double().cumsum(0)
        drawn = torch.rand((), generator=generator, dtype=torch.float64).item() * reached[-1:]
        chosen.append(torch.searchsorted(reached, drawn).clamp(max=len(candidates) - 1))
        distances = torch.minimum(distances, (candidates - candidates[chosen[-1]]).square().sum(1))
    return candidates[torch.cat(chosen)]
