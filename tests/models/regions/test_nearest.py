"""Pixels without a region join the nearest one: against all distances."""

from __future__ import annotations

import pytest
import torch

from openvss.models.regions import nearest
from openvss.models.regions.nearest import fill_nearest


@pytest.mark.parametrize("share", [0.002, 0.05, 0.6])
def test_equals_all_distances(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "CHUNK", 500)  # several parts
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 9, (37, 45), generator=generator)
    covered = torch.rand(37, 45, generator=generator) < share
    covered[20, 7] = True
    filled = fill_nearest(torch.where(covered, ids, -1))
    there = covered.nonzero()
    for y in range(37):
        for x in range(45):
            distances = (there - torch.tensor([y, x])).square().sum(1)
            nearby = there[distances == distances.min()]
            assert filled[y, x] in ids[nearby[:, 0], nearby[:, 1]]
    assert torch.equal(filled[covered], ids[covered])


def test_nothing_to_fill_and_nothing_to_fill_from() -> None:
    ids = torch.arange(12).view(3, 4)
    assert torch.equal(fill_nearest(ids), ids)
    assert torch.equal(fill_nearest(torch.full((3, 4), -1)), torch.zeros(3, 4, dtype=torch.long))
