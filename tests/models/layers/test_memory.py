"""The past, brought to where it is seen now."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.layers.memory import BLOCK, follow


def unit(*shape: int) -> Tensor:
    return F.normalize(torch.randn(*shape), dim=1)


def naive(current: Tensor, before: Tensor, radius: int, temperature: float) -> Tensor:
    batch, _, h, w = current.shape
    found = torch.empty_like(current)
    for b in range(batch):
        for y in range(h):
            for x in range(w):
                there = [
                    before[b, :, min(max(y + dy, 0), h - 1), min(max(x + dx, 0), w - 1)]
                    for dy in range(-radius, radius + 1)
                    for dx in range(-radius, radius + 1)
                ]
                past = torch.stack(there)
                weights = (past @ current[b, :, y, x] / temperature).softmax(0)
                found[b, :, y, x] = F.normalize(weights @ past, dim=0)
    return found


@pytest.mark.parametrize("size", [(1, 1), (BLOCK, 2 * BLOCK), (BLOCK + 1, 5)])
@pytest.mark.parametrize("radius", [0, 1, 3])
def test_equals_loops(size: tuple[int, int], radius: int) -> None:
    torch.manual_seed(0)
    current, before = unit(2, 8, *size), unit(2, 8, *size)
    found = follow(current, before, radius, 0.1)
    torch.testing.assert_close(found, naive(current, before, radius, 0.1), atol=1e-5, rtol=0)


def test_what_moved_is_found() -> None:
    """A picture that goes two to the right and one down, seen through a little noise."""
    torch.manual_seed(0)
    whole = unit(1, 32, 14, 15)
    before, now = whole[..., 1:, 2:], whole[..., :-1, :-2]
    noisy = F.normalize(now + 0.05 * torch.randn_like(now), dim=1)
    found = follow(noisy, before, 2, 0.01)
    inside = (..., slice(1, None), slice(2, None))
    torch.testing.assert_close(found[inside], now[inside], atol=1e-3, rtol=0)
    too_far = follow(noisy, before, 1, 0.01)
    assert (too_far[inside] * now[inside]).sum(1).mean() < 0.8


def test_what_stands_still_stays() -> None:
    torch.manual_seed(0)
    still = unit(1, 32, 9, 7)
    torch.testing.assert_close(follow(still, still, 3, 0.02), still, atol=1e-3, rtol=0)
