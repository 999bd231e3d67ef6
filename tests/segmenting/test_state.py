"""Which frames are remembered and which serve as references."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from openvss.segmenting.state import RememberedFrame, Reservoir, pick_references, slot_of

DISTANCES = (9, 6, 3)


def naive(slots: Sequence[int], target: int) -> list[int | None]:
    """The rule, frame by frame."""
    found: list[int | None] = []
    taken = len(slots)
    for distance in (3, 6, 9):
        pick = None
        for i in range(taken):
            if slots[i] <= target - distance:
                pick = i
        if pick is None:
            pick = 0
        taken = pick
        found.insert(0, pick)
    return found


@given(st.sets(st.integers(0, 60), min_size=1, max_size=10), st.integers(0, 40))
def test_agrees_with_the_rule_spelt_out(cells: set[int], ahead: int) -> None:
    slots = sorted(cells)
    assert pick_references(slots, slots[-1] + ahead, DISTANCES) == naive(slots, slots[-1] + ahead)


def test_at_15_fps_they_are_the_papers_frames() -> None:
    assert pick_references(range(20), 20, DISTANCES) == [11, 14, 17]


def test_start_of_video_repeats_the_earliest() -> None:
    assert pick_references([], 0, DISTANCES) == [None, None, None]
    assert pick_references([0, 1, 2, 3], 4, DISTANCES) == [0, 0, 1]


def test_slow_video_uses_distinct_frames() -> None:
    assert pick_references([0, 15, 30, 45], 60, DISTANCES) == [1, 2, 3]


def test_same_time_at_any_rate() -> None:
    assert [slot_of(Fraction(i, 60)) for i in (0, 3, 4, 7, 8)] == [0, 0, 1, 1, 2]
    assert slot_of(Fraction(30 * 1001, 30000)) == 15


def test_reservoir_is_bounded_even_and_keeps_the_first() -> None:
    reservoir = Reservoir(8)
    here = RememberedFrame(3, torch.zeros(1))
    assert reservoir.nearest(0, here) is here
    for slot in range(3, 1003):
        reservoir.offer(RememberedFrame(slot, torch.zeros(1)))
        assert len(reservoir.entries) <= 8
    slots = [e.slot for e in reservoir.entries]
    assert slots[0] == 3
    assert len({b - a for a, b in pairwise(slots)}) == 1
    assert slots[-1] > 800
    assert reservoir.nearest(0, here).slot == 3


def test_reservoir_of_irregular_times_stays_spread() -> None:
    reservoir = Reservoir(8)
    for slot in [0, *range(1, 1000, 2)]:
        reservoir.offer(RememberedFrame(slot, torch.zeros(1)))
    slots = [e.slot for e in reservoir.entries]
    assert len(slots) >= 4
    assert slots[-1] > 700
