from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openvss.evaluation.metrics.consistency import MODES, Mode, VideoConsistency, VideoMeter, mean_consistency
from openvss.video.labelmap import Labels

VOID = 255
Video = tuple[Labels, Labels]


def video(seed: int, frames: int, size: tuple[int, int] = (3, 4)) -> Video:
    """Labels and predictions that change now and then, each (frames, H, W); some labels are void."""
    rng = np.random.default_rng(seed)
    calm = float(rng.choice([0.7, 0.9, 1.0]))

    def wander(ids: Sequence[int]) -> Labels:
        labels = rng.choice(ids, (frames, *size)).astype(np.uint8)
        for t in range(1, frames):
            labels[t] = np.where(rng.random(size) < calm, labels[t - 1], labels[t])
        return labels

    truth = wander([0, 1, 2, VOID])
    return truth, np.where(rng.random(size) < 0.5, truth, wander([0, 1, VOID])).astype(np.uint8)


def measure(pair: Video, lengths: Sequence[int]) -> VideoConsistency:
    meter = VideoMeter(VOID, lengths)
    for labels, predictions in zip(*pair, strict=True):
        meter.update(labels, predictions)
    return meter.finish()


def naive_windows(pair: Video, n: int, mode: Mode) -> list[float]:
    """The value of each window, nan where it is undefined, straight from the definition."""
    truth, predicted = pair[0].tolist(), pair[1].tolist()
    frames, height, width = pair[0].shape
    values = []
    for start in range(frames - n + (mode != "vspw")):
        window = range(start, start + n)
        common = stable = 0
        for y in range(height):
            for x in range(width):
                labels = {truth[t][y][x] for t in window}
                words = {predicted[t][y][x] for t in window}
                if len(labels) > 1 or (mode != "vspw" and labels == {VOID}):
                    continue
                common += 1
                stable += words == labels if mode == "correct" else len(words) == 1
        values.append(stable / common if common else math.nan)
    return values


def naive(videos: Sequence[Video], n: int, mode: Mode) -> tuple[float, int, int, int]:
    """The result, its windows, undefined ones, and skipped videos."""
    shortest = 17 if mode == "vspw" else n
    every = [naive_windows(v, n, mode) if len(v[0]) >= shortest else [] for v in videos]
    defined = [[value for value in values if not math.isnan(value)] for values in every]
    pooled = [value for values in defined for value in values]
    means = pooled if mode == "vspw" else [sum(values) / len(values) for values in defined if values]
    value = sum(means) / len(means) if means else math.nan
    return value, len(pooled), sum(map(len, every)) - len(pooled), sum(not values for values in defined)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 24)), min_size=1, max_size=4),
    st.sampled_from(MODES),
    st.sampled_from([1, 2, 3, 8, 16]),
)
def test_all_modes_are_what_loops_over_windows_give(
    shapes: list[tuple[int, int]], mode: Mode, n: int
) -> None:
    videos = [video(seed, frames) for seed, frames in shapes]
    result = mean_consistency([measure(v, (n, 5)) for v in videos], n, mode)
    value, windows, undefined, skipped = naive(videos, n, mode)
    assert result.value == pytest.approx(value, abs=1e-12, nan_ok=True)
    assert (result.windows, result.undefined, result.skipped) == (windows, undefined, skipped)
    assert result.videos == len(videos) - skipped


def golden(frames: int) -> Video:
    """Four pixels: steady and right; steady and wrong; right, then another word in the last frame; void."""
    truth = np.tile(np.array([[1, 1, 1, VOID]], np.uint8), (frames, 1, 1))
    predicted = np.tile(np.array([[1, 0, 1, 3]], np.uint8), (frames, 1, 1))
    predicted[-1, 0, 2] = 2
    return truth, predicted


def test_a_golden_case() -> None:
    videos = [measure(golden(frames), (8, 16)) for frames in (18, 20, 16, 8, 5)]

    def value(n: int, mode: Mode) -> float:
        return mean_consistency(videos, n, mode).value

    # The script leaves out the last window, the only one in which anything changes.
    assert value(8, "vspw") == 1
    assert value(16, "vspw") == 1
    # One window of 11, 13, 9 and 1 loses one of its three pixels; the fifth video is too short.
    assert value(8, "paper") == pytest.approx(1 - (1 / 11 + 1 / 13 + 1 / 9 + 1) / 3 / 4)
    assert value(8, "correct") == pytest.approx(2 / 3 - (1 / 11 + 1 / 13 + 1 / 9 + 1) / 3 / 4)
    assert value(16, "paper") == pytest.approx(1 - (1 / 3 + 1 / 5 + 1) / 3 / 3)

    paper, vspw = mean_consistency(videos, 8, "paper"), mean_consistency(videos, 8, "vspw")
    assert (paper.windows, paper.videos, paper.skipped) == (11 + 13 + 9 + 1, 4, 1)
    assert (vspw.windows, vspw.videos, vspw.skipped) == (10 + 12, 2, 3)


def test_seventeen_frames_are_the_fewest_that_the_script_reads() -> None:
    assert mean_consistency([measure(golden(16), (8,))], 8, "vspw").skipped == 1
    assert mean_consistency([measure(golden(17), (8,))], 8, "vspw").windows == 9


def test_a_window_as_long_as_the_video() -> None:
    videos = [measure(golden(20), (20,))]
    assert mean_consistency(videos, 20, "paper").windows == 1
    assert mean_consistency(videos, 20, "vspw").windows == 0


def test_a_video_without_common_pixels_counts_for_nothing() -> None:
    void = np.full((20, 2, 2), VOID, np.uint8)
    result = mean_consistency([measure((void, void), (8,)), measure(golden(20), (8,))], 8, "paper")
    assert (result.videos, result.skipped, result.undefined) == (1, 1, 13)
    assert math.isnan(mean_consistency([measure((void, void), (8,))], 8, "paper").value)
    assert mean_consistency([measure((void, void), (8,))], 8, "vspw").value == 1
    assert mean_consistency([], 8, "vspw").windows == 0


def test_a_void_pixel_that_is_predicted_unlabelled_is_not_right() -> None:
    truth, predicted = golden(10)
    predicted[:] = truth
    predicted[:, 0, 0] = 0
    result = mean_consistency([measure((truth, predicted), (8,))], 8, "correct")
    assert result.value == pytest.approx(2 / 3)


def test_no_window_reaches_across_a_frame_without_labels() -> None:
    pair = video(4, 30)
    meter = VideoMeter(VOID, (8,))
    for t, (labels, predictions) in enumerate(zip(*pair, strict=True)):
        if t == 18:
            meter.skip()
        meter.update(labels, predictions)
    parts = [(pair[0][part], pair[1][part]) for part in (slice(0, 18), slice(18, 30))]
    windows = [value for part in parts for value in naive_windows(part, 8, "paper")]
    result = mean_consistency([meter.finish()], 8, "paper")
    assert result.value == pytest.approx(np.nanmean(windows))
    assert result.windows + result.undefined == len(windows) == 11 + 5


def test_what_a_protocol_leaves_out_is_still_a_label_of_the_script() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 3, (2, 30, 8, 9)).astype(np.uint8)
    counted = np.where(truth > 0, np.uint8(VOID), truth)
    meter = VideoMeter(VOID, (2, 3))
    for labels, predictions, kept in zip(truth, predicted, counted, strict=True):
        meter.update(labels, predictions, kept)
    found = meter.finish()
    whole, part = measure((truth, predicted), (2, 3)), measure((counted, predicted), (2, 3))
    assert found.windows["vspw"] == whole.windows["vspw"] != part.windows["vspw"]
    assert found.windows["paper"] == part.windows["paper"] != whole.windows["paper"]
    assert found.windows["correct"] == part.windows["correct"]


def test_videos_in_any_order_and_by_way_of_json_give_the_same_number() -> None:
    videos = [measure(video(seed, 20 + seed), (8, 16)) for seed in range(6)]
    read = [VideoConsistency.from_dict(json.loads(json.dumps(v.to_dict()))) for v in videos]
    assert read == videos
    for mode in MODES:
        for n in (8, 16):
            assert mean_consistency(read[::-1], n, mode) == mean_consistency(videos, n, mode)


def test_memory_does_not_grow_with_the_video() -> None:
    pair = video(2, 40, (16, 16))
    meter = VideoMeter(VOID)

    def held() -> int:
        arrays = [value for part in (meter._truth, meter._predicted) for value in vars(part).values()]
        return sum(map(sys.getsizeof, [*arrays, meter._newest, meter._windows]))

    sizes = []
    for labels, predictions in zip(*pair, strict=True):
        meter.update(labels, predictions)
        sizes.append(held())
    assert max(sizes[20:]) == min(sizes[20:])


def test_runs_longer_than_a_byte_are_still_runs() -> None:
    pair = golden(300)
    result = mean_consistency([measure(pair, (255,))], 255, "paper")
    assert result.windows == 46
    assert result.value == pytest.approx(1 - 1 / 3 / 46)


def test_wide_labels_and_any_layout() -> None:
    truth, predicted = video(9, 20)
    expected = measure((truth, predicted), (8,))
    wide = np.where(truth == VOID, 65535, truth.astype(np.uint16) + 800).astype(np.uint16)
    told = np.where(predicted == VOID, 65535, predicted.astype(np.uint16) + 800).astype(np.uint16)
    meter = VideoMeter(65535, (8,))
    for labels, predictions in zip(wide, told, strict=True):
        meter.update(np.asfortranarray(labels), predictions)
    assert meter.finish() == expected


def test_the_caller_may_reuse_its_arrays() -> None:
    pair = video(3, 20)
    meter = VideoMeter(VOID, (8,))
    labels, predictions = np.empty((3, 4), np.uint8), np.empty((3, 4), np.uint8)
    for t in range(20):
        labels[:], predictions[:] = pair[0][t], pair[1][t]
        meter.update(labels, predictions)
    assert meter.finish() == measure(pair, (8,))


def test_what_cannot_be_measured_is_refused() -> None:
    frame = np.zeros((4, 4), np.uint8)
    for lengths in ((), (0,), (256,)):
        with pytest.raises(ValueError, match="1 to 255 frames"):
            VideoMeter(VOID, lengths)
    meter = VideoMeter(VOID)
    with pytest.raises(ValueError, match="differ in size"):
        meter.update(frame, frame[:, :3])
    meter.update(frame, frame)
    with pytest.raises(ValueError, match="frames of one video differ in size"):
        meter.update(frame[:3], frame[:3])
