"""Which frames are remembered and which serve as references."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from openvss.errors import InputError
from openvss.models.base import FrameFeatures
from openvss.segmenting.state import RememberedFrame, Reservoir, StreamState, pick_references, slot_of
from openvss.video.frame import Frame
from tests.models.two_frame import TwoFrame

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


class Still(TwoFrame):
    """References only, and a first frame's own way to find them."""

    starts = MappingProxyType({0: (0, 0), 4: (1, 3)})

    def context_frames(self, t: int, n_frames: int) -> list[int]:
        del t, n_frames
        return []


class Lone(Still):
    """Each frame alone."""

    references = ()  # type: ignore[assignment]


def image(size: tuple[int, int] = (32, 32), value: float = 0.0) -> Tensor:
    return torch.full((1, 3, *size), float(value))


def frame(slot: int) -> Frame:
    return Frame(slot, Fraction(slot, 15), np.full((4, 4, 3), slot, np.uint8))


def remembered(slot: int) -> RememberedFrame:
    return RememberedFrame(slot, None, {"map": image(value=slot)})


def encode(pixels: Tensor) -> FrameFeatures:
    return {"map": pixels + 100}


def filled(state: StreamState, slots: Sequence[int]) -> StreamState:
    for slot in slots:
        assert state.enter(frame(slot), image()) == slot
        state.remember(remembered(slot))
    return state


def slots_of(entries: Sequence[RememberedFrame]) -> list[int]:
    return [entry.slot for entry in entries]


def test_a_frame_must_continue_the_video() -> None:
    state = StreamState.empty(TwoFrame())
    assert state.enter(frame(30), image()) == 30
    with pytest.raises(InputError, match="Frame 30 is not later than the one before it: call reset"):
        state.enter(frame(30), image())
    with pytest.raises(InputError, match="Frame 31 differs in size from those before it: call reset"):
        state.enter(frame(31), image((32, 64)))
    with pytest.raises(InputError, match="Frame 31 differs in size"):
        state.enter(frame(31), image((64, 32)))
    assert state.enter(frame(32), image()) == 32
    assert (state.first_slot, state.last_time) == (30, Fraction(32, 15))


def test_recent_frames_reach_back_to_the_farthest_reference() -> None:
    assert slots_of(filled(StreamState.empty(TwoFrame()), range(20)).recent) == [*range(13, 20)]
    assert not filled(StreamState.empty(Lone()), range(5)).recent


def test_of_several_frames_in_one_slot_the_first_stays() -> None:
    state = filled(StreamState.empty(TwoFrame()), [3, 4])
    first, again = state.recent[-1], remembered(4)
    state.remember(again)
    assert slots_of(state.recent) == slots_of(state.reservoir.entries) == [3, 4]
    assert state.recent[-1] is state.reservoir.entries[-1] is first


def test_a_reservoir_without_references_takes_a_slot_once() -> None:
    class Far(TwoFrame):
        references = ()  # type: ignore[assignment]

    state = filled(StreamState.empty(Far()), [3, 4])
    state.remember(remembered(4))
    assert not state.recent
    assert slots_of(state.reservoir.entries) == [3, 4]


def test_only_models_that_summarise_keep_distant_frames() -> None:
    assert StreamState.empty(TwoFrame()).keeps_distant
    state = filled(StreamState.empty(Still()), range(5))
    assert not state.keeps_distant
    assert not state.reservoir.entries
    assert state.distant(remembered(5)) == []
    assert state.summary(remembered(5), encode, lambda each: pytest.fail("summarised")) is None


def test_references_are_the_frames_themselves() -> None:
    state = StreamState.empty(TwoFrame())
    here = remembered(20)
    assert state.references(here) == [here, here]
    filled(state, range(10, 20))
    assert slots_of(state.references(here)) == [14, 17]


def test_first_frames_may_have_a_rule_of_their_own() -> None:
    state = filled(StreamState.empty(Still()), [10, 11, 13])
    assert slots_of(state.references(remembered(14))) == [11, 13]  # the 4th after the first: 11 and 13
    assert slots_of(state.references(remembered(15))) == [10, 11]
    filled(state, [14])
    assert slots_of(state.references(remembered(14))) == [11, 13]


def test_distant_frames_count_from_the_first() -> None:
    state = filled(StreamState.empty(TwoFrame()), range(10, 18))
    here = remembered(18)
    assert slots_of(state.distant(here)) == [14, 18]
    assert state.distant(here)[1] is here
    alone = StreamState.empty(TwoFrame())
    alone.enter(frame(7), image())
    assert slots_of(alone.distant(remembered(7))) == [7, 7]


def test_a_summary_is_made_anew_only_when_its_frames_change() -> None:
    state = filled(StreamState.empty(TwoFrame()), range(5))
    made: list[list[float]] = []

    def summarise(each: Sequence[FrameFeatures]) -> FrameFeatures:
        made.append([float(features["map"][0, 0, 0, 0]) for features in each])
        return {"number": torch.tensor(len(made))}

    first = state.summary(remembered(5), encode, summarise)
    assert state.summary(remembered(5), encode, summarise) is first
    assert state.summary(remembered(6), encode, summarise) is not first
    assert made == [[2, 5], [3, 6]]
    assert state.context_slots == (3, 6)


def test_looking_ahead_keeps_the_frames_that_will_be_asked_for() -> None:
    state = StreamState.empty(TwoFrame())
    state.look_ahead([frame(slot) for slot in range(10, 20)], lambda one: image(value=one.index))
    assert state.whole_cells == 10
    assert slots_of(state.reservoir.entries) == [10, 11, 12, 13, 14, 19]  # t // 2 of ten frames, and the last
    assert slots_of(state.distant(_entered(state, 16))) == [13, 19]
    filled(state, [17])
    assert slots_of(state.reservoir.entries) == [10, 11, 12, 13, 14, 19]
    chosen = state.reservoir.nearest(19, remembered(0))
    assert chosen.features(encode)["map"][0, 0, 0, 0] == 119


def _entered(state: StreamState, slot: int) -> RememberedFrame:
    state.enter(frame(10), image())
    state.enter(frame(slot), image())
    return remembered(slot)


def test_looking_ahead_takes_the_first_frame_of_a_slot_and_the_nearest_of_a_gap() -> None:
    state = StreamState.empty(TwoFrame())
    times = [Fraction(n, 30) for n in (0, 1, 2, 20, 21, 40)]
    frames = [Frame(i, time, np.zeros((4, 4, 3), np.uint8)) for i, time in enumerate(times)]
    state.look_ahead(frames, lambda one: image(value=one.index))
    kept = {e.slot: e.features(encode)["map"][0, 0, 0, 0].item() - 100 for e in state.reservoir.entries}
    assert kept == {0: 0, 1: 2, 10: 3, 20: 5}
    assert state.whole_cells == 21


def test_looking_ahead_at_nothing() -> None:
    state = StreamState.empty(TwoFrame())
    state.look_ahead([], lambda one: image())
    assert state.whole_cells is None


def test_looking_ahead_is_bounded_and_even() -> None:
    state = StreamState.empty(TwoFrame())
    state.look_ahead([frame(slot) for slot in range(200)], lambda one: image())
    slots = slots_of(state.reservoir.entries)
    assert len(slots) == state.reservoir.capacity
    assert (slots[0], slots[-1]) == (0, 199)
    assert {b - a for a, b in pairwise(slots[:-1])} == {3, 4}


def test_bytes_count_each_frame_once() -> None:
    state = filled(StreamState.empty(TwoFrame()), range(3))
    one = image().nbytes
    assert state.nbytes == 3 * one
    state.remember(RememberedFrame(3, image()))
    assert state.nbytes == 4 * one
    state.last = {"x": torch.zeros(5)}, frame(3)
    state.context, state.memory = {"c": torch.zeros(2)}, {"m": torch.zeros(1), "n": torch.zeros(1)}
    assert state.nbytes == 4 * one + 5 * 4 + 4 * 4 * 3 + 2 * 4 + 2 * 4
    assert state.limit(one, 7) == (7 + 32) * one + 7
