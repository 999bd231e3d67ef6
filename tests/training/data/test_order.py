"""Which sample comes when."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvss.training.data.order import CHUNK, SampleOrder

sets = st.lists(st.tuples(st.integers(1, 9), st.floats(0.1, 5)), min_size=1, max_size=4)


@given(sets, st.integers(0, 99), st.sampled_from([1, 2, 3]))
def test_every_item_comes_once_before_any_comes_again(
    sizes_and_weights: list[tuple[int, float]], seed: int, group: int
) -> None:
    sizes, weights = zip(*sizes_and_weights, strict=True)
    order = SampleOrder(sizes, weights, seed, group)
    came: list[list[int]] = [[] for _ in sizes]
    for position in range(120):
        chosen, item = order.at(position)
        came[chosen].append(item)
    for size, items in zip(sizes, came, strict=True):
        for start in range(0, len(items) - size + 1, size):
            assert sorted(items[start : start + size]) == list(range(size))


@given(sets, st.integers(0, 3 * CHUNK))
def test_positions_have_no_memory(sizes_and_weights: list[tuple[int, float]], position: int) -> None:
    sizes, weights = zip(*sizes_and_weights, strict=True)
    asked_before = SampleOrder(sizes, weights, 0)
    for earlier in range(0, position, CHUNK // 2):
        asked_before.at(earlier)
    assert SampleOrder(sizes, weights, 0).at(position) == asked_before.at(position)


def test_sets_come_by_weight() -> None:
    order = SampleOrder((5, 50), (1, 3), 0)
    counts = Counter(order.at(position)[0] for position in range(4000))
    assert counts[1] / 4000 == pytest.approx(0.75, abs=0.03)


def test_a_group_comes_from_one_set() -> None:
    order = SampleOrder((5, 7, 9), (1, 1, 1), 0, group=4)
    groups = [{order.at(4 * g + i)[0] for i in range(4)} for g in range(50)]
    assert all(len(one) == 1 for one in groups)
    assert len(set.union(*groups)) == 3


def test_seeds_differ() -> None:
    first, second = ([SampleOrder((40,), (1,), seed).at(p)[1] for p in range(40)] for seed in (0, 1))
    assert first != second
    assert first != sorted(first)
