"""Superpixels: against k-means in loops, and on pictures whose regions are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from openvss.models.regions.superpixels import Superpixels, to_lab


def smooth_noise(height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, height // 6, width // 6, generator=generator)
    return torch.nn.functional.interpolate(small, (height, width), mode="bicubic").clamp(0, 1)


def naive(frame: Tensor, count: int, compactness: float, rounds: int) -> list[list[int]]:
    """SLIC as its definition has it: one pixel and one cluster after another."""
    lab = to_lab(frame).double()
    height, width = lab.shape[1:]
    cell = max(2, 2 * round(math.sqrt(height * width / count) / 2))
    rows, columns = math.ceil(height / cell), math.ceil(width / cell)

    def feature(y: int, x: int) -> list[float]:
        return [*lab[:, y, x].tolist(), y * compactness / cell, x * compactness / cell]

    def best(y: int, x: int, centres: list[list[float]]) -> int:
        near = [
            r * columns + c
            for r in range(y // cell - 1, y // cell + 2)
            for c in range(x // cell - 1, x // cell + 2)
            if 0 <= r < rows and 0 <= c < columns
        ]
        return min(near, key=lambda n: math.dist(feature(y, x), centres[n]))

    def mean(members: list[list[float]], before: list[float]) -> list[float]:
        return [sum(f) / len(members) for f in zip(*members, strict=True)] if members else before

    some = [(y, x) for y in range(0, height, 2) for x in range(0, width, 2)]
    owner = {(y, x): y // cell * columns + x // cell for y, x in some}
    centres = [[0.0] * 5] * (rows * columns)
    for turn in range(rounds + 1):
        if turn > 0:
            owner = {(y, x): best(y, x, centres) for y, x in some}
        groups: list[list[list[float]]] = [[] for _ in centres]
        for (y, x), n in owner.items():
            groups[n].append(feature(y, x))
        centres = [mean(group, before) for group, before in zip(groups, centres, strict=True)]
    return [[best(y, x, centres) for x in range(width)] for y in range(height)]


@pytest.mark.parametrize(("height", "width", "count"), [(24, 36, 12), (25, 31, 20), (32, 32, 600)])
def test_equals_loops(height: int, width: int, count: int) -> None:
    frame = smooth_noise(height, width)
    ids = Superpixels(count, compactness=10.0, rounds=3)(frame)[0]
    assert ids.tolist() == naive(frame[0], count, 10.0, 3)


def test_edges_of_flat_shapes_are_edges_of_regions() -> None:
    """Whatever the grid, no region holds both sides of a strong edge."""
    frame = torch.full((1, 3, 60, 80), 0.2)
    frame[:, :, 13:41, 22:57] = torch.tensor([0.9, 0.3, 0.1])[:, None, None]
    frame[:, :, 30:, 50:] = torch.tensor([0.1, 0.4, 0.9])[:, None, None]
    ids = Superpixels(count=60)(frame)[0]
    for region in ids.unique():
        assert frame[0, :, ids == region].std(dim=1).max() < 1e-6


def test_each_image_by_itself() -> None:
    frames = torch.cat([smooth_noise(40, 50, seed) for seed in range(3)])
    superpixels = Superpixels(count=50)
    ids = superpixels(frames)
    assert ids.shape == (3, 40, 50)
    assert ids.min() >= 0
    for frame, own in zip(frames, ids, strict=True):
        assert torch.equal(superpixels(frame[None])[0], own)


def test_about_as_many_as_asked() -> None:
    for count in (50, 200, 600):
        assert Superpixels(count)(smooth_noise(120, 160)).unique().numel() == pytest.approx(count, rel=0.4)


def test_lab() -> None:
    """Published values of white, black, mid grey and the primaries."""
    colours = torch.tensor([[1.0, 1, 1], [0, 0, 0], [0.5, 0.5, 0.5], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    lab = to_lab(colours.T[:, :, None])[..., 0].T
    expected = torch.tensor(
        [
            [100, 0, 0],
            [0, 0, 0],
            [53.39, 0, 0],
            [53.24, 80.09, 67.20],
            [87.73, -86.18, 83.18],
            [32.30, 79.19, -107.86],
        ]
    )
    torch.testing.assert_close(lab, expected, atol=0.1, rtol=0)
