from __future__ import annotations

import json
import math
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openvss.errors import InputError
from openvss.evaluation.metrics.confusion import (
    Confusion,
    class_accuracy,
    class_iou,
    frequency_weighted_iou,
    harmonic_mean,
    mean_accuracy,
    mean_iou,
    mean_iou_strict,
    pixel_accuracy,
    summary,
)
from openvss.video.labelmap import Labels, label_dtype, unlabelled_id

SIZES = [1, 3, 124, 254, 255, 847]


def picture(seed: int, n_classes: int, *, runs: bool = False) -> tuple[Any, Any, int]:
    """Labels with ignored pixels, predictions with unlabelled and foreign ones, and the ignored id."""
    rng = np.random.default_rng(seed)
    dtype, ignore = label_dtype(n_classes), unlabelled_id(n_classes)
    used = rng.permutation(n_classes)[: int(rng.integers(1, 6))]
    labels = rng.choice([*used, ignore], size=(9, 14)).astype(dtype)
    predictions = rng.choice([*used, *rng.integers(0, n_classes, 2), ignore, ignore - 1], size=(9, 14))
    predictions = np.where(rng.random((9, 14)) < 0.5, labels, predictions).astype(dtype)
    if runs:
        labels, predictions = (np.repeat(np.repeat(x, 5, 0), 40, 1) for x in (labels, predictions))
    return labels, predictions, ignore


def naive(labels: Labels, predictions: Labels, n_classes: int, ignore: int) -> npt.NDArray[np.int64]:
    matrix = np.zeros((n_classes, n_classes + 1), np.int64)
    for true, predicted in zip(labels.ravel().tolist(), predictions.ravel().tolist(), strict=True):
        if true != ignore:
            matrix[true, min(predicted, n_classes)] += 1
    return matrix


def naive_scores(matrix: npt.NDArray[np.int64], classes: list[int]) -> dict[str, float]:
    cells = matrix.tolist()
    ious, strict, accuracies, weighted, hits, total = [], [], [], 0.0, 0, 0
    for c in classes:
        pixels = sum(cells[c])
        predicted = sum(row[c] for row in cells)
        union = pixels + predicted - cells[c][c]
        if union:
            strict.append(cells[c][c] / union)
        if pixels:
            ious.append(cells[c][c] / union)
            accuracies.append(cells[c][c] / pixels)
            weighted += pixels * cells[c][c] / union
            hits += cells[c][c]
            total += pixels

    def mean(values: list[float]) -> float:
        return sum(values) / len(values) if values else math.nan

    return {
        "miou": mean(ious),
        "miou_strict": mean(strict),
        "fwiou": weighted / total if total else math.nan,
        "macc": mean(accuracies),
        "pacc": hits / total if total else math.nan,
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(SIZES), st.booleans())
def test_every_pixel_is_counted_once_as_a_loop_would(seed: int, n_classes: int, runs: bool) -> None:
    labels, predictions, ignore = picture(seed, n_classes, runs=runs)
    confusion = Confusion.of(labels, predictions, n_classes, ignore)
    assert confusion.matrix.dtype == np.int64
    assert np.array_equal(confusion.matrix, naive(labels, predictions, n_classes, ignore))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 12, 124]), st.data())
def test_scores_are_those_of_a_loop(seed: int, n_classes: int, data: st.DataObject) -> None:
    labels, predictions, ignore = picture(seed, n_classes)
    confusion = Confusion.of(labels, predictions, n_classes, ignore)
    group = data.draw(
        st.none() | st.lists(st.integers(0, n_classes - 1), min_size=1, max_size=20, unique=True)
    )
    expected = naive_scores(confusion.matrix, list(range(n_classes)) if group is None else group)
    assert summary(confusion, group) == pytest.approx(expected, nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("n_classes", [5, 124, 847])
def test_class_iou_agrees_with_torchmetrics(n_classes: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        functional = pytest.importorskip("torchmetrics.functional.classification")
    torch = pytest.importorskip("torch")
    labels, predictions, ignore = picture(7, n_classes, runs=True)
    predictions = np.minimum(predictions, n_classes - 1)  # it knows no prediction beyond the classes
    expected = functional.multiclass_jaccard_index(
        torch.from_numpy(predictions.astype(np.int64)),
        torch.from_numpy(labels.astype(np.int64)),
        n_classes,
        average="none",
        ignore_index=ignore,
    ).numpy()
    confusion = Confusion.of(labels, predictions, n_classes, ignore)
    present = confusion.pixels > 0
    assert present.sum() > 1
    assert class_iou(confusion)[present] == pytest.approx(expected[present], abs=1e-6)
    assert np.isnan(class_iou(confusion)[~present]).all()


def test_a_golden_case() -> None:
    # Class 0: 3 pixels, 2 right, 1 unlabelled. Class 1: 2 pixels, both taken for 2. Class 2 never occurs.
    labels = np.array([[0, 0, 0, 1, 1, 255]], np.uint8)
    predictions = np.array([[0, 0, 255, 2, 2, 0]], np.uint8)
    confusion = Confusion.of(labels, predictions, 4, 255)
    assert confusion.matrix.tolist() == [[2, 0, 0, 0, 1], [0, 0, 2, 0, 0], [0] * 5, [0] * 5]
    assert class_iou(confusion) == pytest.approx([2 / 3, 0, math.nan, math.nan], nan_ok=True)
    assert class_accuracy(confusion) == pytest.approx([2 / 3, 0, math.nan, math.nan], nan_ok=True)
    assert mean_iou(confusion) == pytest.approx(1 / 3)
    assert mean_iou_strict(confusion) == pytest.approx(2 / 9)
    assert frequency_weighted_iou(confusion) == pytest.approx(3 / 5 * 2 / 3)
    assert mean_accuracy(confusion) == pytest.approx(1 / 3)
    assert pixel_accuracy(confusion) == pytest.approx(2 / 5)


def test_a_group_keeps_the_mistakes_that_others_make_with_it() -> None:
    confusion = Confusion(np.array([[6, 2, 0], [4, 8, 0]], np.int64))
    assert mean_iou(confusion, [1]) == pytest.approx(8 / 14)
    assert pixel_accuracy(confusion, [1]) == pytest.approx(8 / 12)


@pytest.mark.parametrize("n_classes", [3, 847])
def test_parts_add_up_to_the_whole_in_any_order(n_classes: int) -> None:
    pictures = [picture(seed, n_classes) for seed in range(4)]
    whole = Confusion.empty(n_classes)
    for labels, predictions, ignore in pictures:
        whole.update(labels, predictions, ignore)
    parts = [Confusion.of(labels, predictions, n_classes, ignore) for labels, predictions, ignore in pictures]
    assert np.array_equal(sum(parts[::-1], Confusion.empty(n_classes)).matrix, whole.matrix)
    with pytest.raises(ValueError, match="do not add up"):
        whole + Confusion.empty(n_classes + 1)


@pytest.mark.parametrize("n_classes", [3, 847])
def test_a_matrix_survives_json(n_classes: int) -> None:
    labels, predictions, ignore = picture(1, n_classes)
    confusion = Confusion.of(labels, predictions, n_classes, ignore)
    confusion.matrix[0, 0] = 2**53 + 1  # more than a float can count
    read = Confusion.from_dict(json.loads(json.dumps(confusion.to_dict())))
    assert np.array_equal(read.matrix, confusion.matrix)


def test_the_size_of_a_matrix_does_not_depend_on_what_was_counted() -> None:
    confusion = Confusion.empty(124)
    matrix = confusion.matrix
    for seed in range(20):
        labels, predictions, ignore = picture(seed, 124)
        confusion.update(labels, predictions, ignore)
    assert confusion.matrix is matrix
    assert matrix.shape == (124, 125)


def test_predictions_may_have_another_width_than_the_labels() -> None:
    labels, predictions, ignore = picture(5, 124)
    wide = predictions.astype(np.uint16)
    wide[predictions == 255] = 65535
    narrow = Confusion.of(labels, predictions, 124, ignore)
    assert np.array_equal(Confusion.of(labels, wide, 124, ignore).matrix, narrow.matrix)


def test_arrays_of_any_layout_count_alike() -> None:
    labels, predictions, ignore = picture(6, 124)
    turned = Confusion.of(np.asfortranarray(labels), predictions[::-1][::-1], 124, ignore)
    assert np.array_equal(turned.matrix, Confusion.of(labels, predictions, 124, ignore).matrix)


def test_nothing_counted_gives_no_number() -> None:
    void = np.full((4, 4), 255, np.uint8)
    confusion = Confusion.of(void, np.zeros_like(void), 3, 255)
    assert not confusion.matrix.any()
    assert all(math.isnan(value) for value in summary(confusion).values())


@pytest.mark.parametrize(("n_classes", "stranger"), [(3, 3), (3, 254), (847, 847), (847, 255 * 256)])
def test_an_id_beyond_the_classes_is_named(n_classes: int, stranger: int) -> None:
    labels, predictions, ignore = picture(3, n_classes)
    labels[2, 2] = stranger
    with pytest.raises(InputError, match=rf"holds the id {stranger}, but its classes end at {n_classes - 1}"):
        Confusion.of(labels, predictions, n_classes, ignore)


def test_pictures_of_different_sizes_are_no_pair() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        Confusion.of(np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8), 3, 255)
    with pytest.raises(ValueError, match="is one of the 3 classes"):
        Confusion.of(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8), 3, 2)


def test_the_harmonic_mean_needs_both() -> None:
    assert harmonic_mean(0.5, 0.25) == pytest.approx(1 / 3)
    assert harmonic_mean(0.9, 0.0) == 0
    assert harmonic_mean(0.0, 0.0) == 0
    assert math.isnan(harmonic_mean(0.5, math.nan))
