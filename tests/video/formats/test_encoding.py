from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from openvss.video.formats.encoding import TickClock, time_base
from openvss.video.frame import Frame


def frame(index: int, time: Fraction, duration: Fraction | None = None) -> Frame:
    return Frame(index, time, np.zeros((1, 1, 3), dtype=np.uint8), duration)


@pytest.mark.parametrize("rate", [Fraction(15), Fraction(25), Fraction(30000, 1001), Fraction(12_345, 1000)])
def test_ticks_made_from_a_rate_hold_its_frames_exactly(rate: Fraction) -> None:
    clock = TickClock(time_base(None, rate), rate)
    for index in range(100):
        pts, duration = clock.stamp(frame(index, index / rate))
        assert pts * clock.time_base == index / rate
        assert duration * clock.time_base == 1 / rate


def test_the_ticks_of_the_source_are_kept() -> None:
    assert time_base(Fraction(1, 12800), Fraction(25)) == Fraction(1, 12800)


def test_frames_closer_than_a_tick_stay_apart() -> None:
    clock = TickClock(Fraction(1, 1000), None)
    stamps = [clock.stamp(frame(i, Fraction(i, 5000)))[0] for i in range(4)]
    assert stamps == [0, 1, 2, 3]


def test_a_duration_nobody_tells_is_that_of_the_frame_before() -> None:
    clock = TickClock(Fraction(1, 1000), None, origin=Fraction(2))
    clock.stamp(frame(0, Fraction(2)))
    assert clock.stamp(frame(1, Fraction(9, 4))) == (250, 250)
