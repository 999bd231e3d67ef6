"""Which frames a sample is made of."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvss.data.clips import references_of, training_sample

PAPERS = (9, 6, 3)

videos = st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n)))
distances = st.lists(st.integers(1, 12), max_size=4, unique=True).map(lambda d: sorted(d, reverse=True))


@pytest.mark.parametrize(
    ("t", "expected"),
    [(0, (0, 0, 0)), (1, (0, 0, 0)), (3, (0, 0, 0)), (4, (0, 0, 1)), (8, (0, 2, 5)), (9, (0, 3, 6))],
)
def test_early_frames_repeat_the_earliest(t: int, expected: tuple[int, ...]) -> None:
    assert references_of(t, PAPERS) == expected


def test_image_models_have_no_references() -> None:
    assert training_sample(5, 9, (), random.Random(0), truncation=1).references == ()


@given(videos, distances, st.integers(1, 30), st.floats(0, 1), st.integers())
def test_training_sample(
    video: tuple[int, int], references: list[int], gap: int, truncation: float, seed: int
) -> None:
    t, n = video
    sample = training_sample(t, n, references, random.Random(seed), min_gap=gap, truncation=truncation)
    assert sample.target == t
    assert len(sample.references) == len(references)
    assert list(sample.clip) == sorted(sample.clip)
    assert sample.clip[0] >= 0
    assert 0 <= sample.distant < n
    clip = sample.clip
    far = {f for f in range(n) if f <= min(clip) - gap or f >= t + gap}
    outside = set(range(n)) - set(clip)
    assert sample.distant in (far or outside or set(range(n)) - {t} or {t})


def test_every_distant_frame_is_drawn() -> None:
    rng = random.Random(1)
    drawn = {training_sample(20, 50, PAPERS, rng, min_gap=8).distant for _ in range(500)}
    assert drawn == set(range(4)) | set(range(28, 50))


@pytest.mark.parametrize("n", [1, 2, 4, 10])
def test_videos_that_are_all_clip_end(n: int) -> None:
    # Ten frames are the clip (0, 3, 6, 9) and six others; one frame is all there is.
    rng = random.Random(2)
    drawn = {training_sample(n - 1, n, PAPERS, rng).distant for _ in range(200)}
    clip = {*references_of(n - 1, PAPERS), n - 1}
    assert drawn == (set(range(n)) - clip or set(range(n)) - {n - 1} or {0})


def test_truncation_gives_exactly_the_clips_at_the_start_of_a_video() -> None:
    rng = random.Random(3)
    samples = [training_sample(30, 60, PAPERS, rng, truncation=1) for _ in range(300)]
    shifted = {tuple(f - min(s.clip) for f in s.clip) for s in samples}
    assert shifted == {(*references_of(t, PAPERS), t) for t in range(9)}
    assert training_sample(30, 60, PAPERS, rng).references == (21, 24, 27)


def test_same_chance_same_sample() -> None:
    draws = [training_sample(30, 90, PAPERS, random.Random(7), truncation=0.5) for _ in range(2)]
    assert draws[0] == draws[1]


def test_frames_outside_the_video_are_refused() -> None:
    with pytest.raises(ValueError, match="frame 9 is outside a video of 9 frames"):
        training_sample(9, 9, PAPERS, random.Random(0))
    with pytest.raises(ValueError, match="frame -1"):
        training_sample(-1, 9, PAPERS, random.Random(0))
