import torch
from hypothesis import given
from hypothesis import strategies as st

from openvss.models.layers.components import components


def flood(mask: torch.Tensor) -> list[set[tuple[int, int]]]:
    """Parts of a mask, pixel by pixel."""
    left = {(int(y), int(x)) for y, x in mask.nonzero()}
    parts = []
    while left:
        part, todo = set(), [min(left)]
        while todo:
            y, x = todo.pop()
            if (y, x) in left:
                left.remove((y, x))
                part.add((y, x))
                todo += [(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        parts.append(part)
    return parts


@given(st.integers(0, 10_000), st.sampled_from([0.2, 0.4, 0.6]))
def test_parts_are_those_of_a_flood_fill(seed: int, share: float) -> None:
    mask = torch.rand(7, 9, generator=torch.Generator().manual_seed(seed)) < share
    found = [{(int(y), int(x)) for y, x in part.nonzero()} for part in components(mask)]
    assert sorted(map(sorted, found)) == sorted(map(sorted, flood(mask)))
    assert [len(p) for p in found] == sorted(map(len, found), reverse=True)


def test_a_long_winding_part_is_one() -> None:
    mask = torch.zeros(21, 21, dtype=torch.bool)
    mask[::2] = True
    for row in range(1, 21, 2):
        mask[row, 0 if row % 4 == 1 else -1] = True
    assert len(components(mask)) == 1


def test_small_parts_are_left_out() -> None:
    mask = torch.tensor([[1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1]], dtype=torch.bool)
    assert components(mask, smallest=2).sum((1, 2)).tolist() == [4, 3, 2]
    assert components(torch.zeros(3, 3, dtype=torch.bool)).shape == (0, 3, 3)
