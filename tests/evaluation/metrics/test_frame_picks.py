"""The best and the worst frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from openvss.evaluation.metrics import frame_picks
from openvss.evaluation.metrics.base import ScoredFrame
from openvss.evaluation.metrics.frame_picks import PICKED, STRETCH, FramePicks, PickedFrame
from openvss.evaluation.pictures.frames import Shown
from tests.evaluation.sets import task_of, write_set

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


def test_a_picture_names_the_score_and_marks_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(write_set(tmp_path / "set", (2,)))
    truth = task.truth(task.dataset.clips[0], 1)
    prediction = truth.copy()
    prediction[:4] = (truth[:4] + 1) % 4
    rows: list[Shown] = []

    def draw(shown: list[Shown], *_: object) -> Image.Image:
        rows.extend(shown)
        return Image.new("RGB", (1, 1))

    monkeypatch.setattr(frame_picks, "draw_frames", draw)
    picks = FramePicks(best=[PickedFrame(0, 1, 0.25, prediction)])
    assert list(picks.pictures(tmp_path, task, "mIoU", "title")) == [("best.png", "Best frames")]
    assert rows[0].title == "v0 · frame 1 · mIoU 25.0 %"
    np.testing.assert_array_equal(rows[0].wrong, (prediction != truth) & (truth != 255))
