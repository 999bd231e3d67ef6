"""Items spread over all that come."""

from __future__ import annotations

from itertools import pairwise

import pytest

from openvss.video.spread import Spread, evenly


@pytest.mark.parametrize("number", [1, 5, 9, 10, 36, 37, 100, 1000, 12345])
def test_few_are_kept_and_they_are_even(number: int) -> None:
    spread: Spread[int] = Spread(9)
    for i in range(number):
        if spread.wants_next():
            spread.keep(i)
        assert len(spread._kept) <= 37
    picked = spread.picked()
    assert picked[0] == 0
    assert len(picked) == min(number, 9)
    assert picked == sorted(set(picked))
    gaps = [b - a for a, b in pairwise(picked)]
    if number > 100:
        assert max(gaps) <= 2 * min(gaps)
        assert number - picked[-1] <= max(gaps)


def test_evenly() -> None:
    assert evenly(list(range(17)), 9) == list(range(0, 17, 2))
    assert evenly([1, 2], 9) == [1, 2]
