"""The best and the worst frames."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from openvss.evaluation.metrics.base import ScoredFrame
from openvss.evaluation.metrics.frame_picks import PICKED, STRETCH, FramePicks, PickedFrame

Places = list[tuple[int, int]]
Scores = st.lists(
    st.lists(st.floats(0, 1, width=16) | st.just(float("nan")), max_size=2 * STRETCH + 3), max_size=5
)


@given(Scores, st.permutations(range(5)))
def test_what_is_shown_depends_on_scores_alone(scores: list[list[float]], order: list[int]) -> None:
    blank = np.zeros((1, 1), dtype=np.uint8)
    videos = []
    for number, frames in enumerate(scores):
        picks = FramePicks()
        for index, value in enumerate(frames):
            picks.add(ScoredFrame(number, index, False, blank, blank, blank), value)
        picks.finish()
        videos.append(picks)

    def chosen(parts: list[FramePicks], *, pruned: bool) -> tuple[Places, Places]:
        whole = FramePicks()
        for part in parts:
            offered = FramePicks([*part.best], [*part.worst])
            if pruned:
                offered.prune(whole)
            whole.merge(offered)
        return keys(whole.best), keys(whole.worst)

    expected = chosen(videos, pruned=False)
    assert chosen([videos[i] for i in order if i < len(videos)], pruned=True) == expected
    valid = [value for frames in scores for value in frames if not np.isnan(value)]
    best = [scores[video][frame] for video, frame in expected[0]]
    assert len(best) <= PICKED
    assert best[:1] == sorted(valid, reverse=True)[:1]
    assert [scores[video][frame] for video, frame in expected[1]][:1] == sorted(valid)[:1]


def keys(picked: list[PickedFrame]) -> Places:
    return [(one.video, one.frame) for one in picked]
