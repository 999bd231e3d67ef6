"""Which class was predicted as which, counted exactly, and the scores computed from it.

    IoU_c = hits / (pixels of c + predictions of c - hits)      accuracy_c = hits / pixels of c

A class is *present* if a counted pixel of the ground truth has it. Means are over present classes only, and
no score is rounded or averaged per frame: all frames are pooled first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from openvss.errors import InputError
from openvss.video.labelmap import Labels

PixelCounts = npt.NDArray[np.int64]
Ratios = npt.NDArray[np.float64]


@dataclass(eq=False)
class Confusion:
    """A count of pixels for each pair of true and predicted class.

    Its size depends on the number of classes alone. Matrices of parts of a data set add up to the matrix of
    the whole, in any order, on any number of machines.

    Attributes:
        matrix: (N, N + 1) pixels, a row for each true class and a column for each predicted one; the last
            column holds predictions that are none of the classes, such as "unlabelled". Those are wrong for
            the pixel's class and count against no other.
    """

    matrix: PixelCounts

    @classmethod
    def empty(cls, n_classes: int) -> Self:
        """Nothing counted yet."""
        return cls(np.zeros((n_classes, n_classes + 1), np.int64))

    @classmethod
    def of(cls, labels: Labels, predictions: Labels, n_classes: int, ignore: int) -> Self:
        """The count of one picture.

        Args:
            labels: (H, W) true ids 0..n_classes - 1, or `ignore` where a pixel does not count.
            predictions: (H, W) predicted ids; anything from `n_classes` on is no class.
            n_classes: How many classes there are.
            ignore: At least `n_classes`.
        """
        if labels.shape != predictions.shape:
            raise ValueError(f"labels {labels.shape} and predictions {predictions.shape} differ in size")
        if ignore < n_classes:
            raise ValueError(f"the ignored id {ignore} is one of the {n_classes} classes")
        table = _table(labels, predictions, n_classes)
        if table[:n_classes].sum() + np.count_nonzero(labels == ignore) != labels.size:
            stranger = labels[(labels >= n_classes) & (labels != ignore)][0]
            raise InputError(
                f"The ground truth holds the id {stranger}, but its classes end at {n_classes - 1}: "
                f"correct the labels, or mark such pixels as ignored ({ignore})."
            )
        matrix = np.empty((n_classes, n_classes + 1), np.int64)
        matrix[:, :-1] = table[:n_classes, :n_classes]
        matrix[:, -1] = table[:n_classes, n_classes:].sum(axis=1)
        return cls(matrix)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` gave."""
        confusion = cls.empty(data["classes"])
        for true, predicted, pixels in data["cells"]:
            confusion.matrix[true, predicted] = pixels
        return confusion

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: the cells that are not zero, as [true, predicted, pixels]."""
        true, predicted = np.nonzero(self.matrix)
        cells = np.stack([true, predicted, self.matrix[true, predicted]], axis=1)
        return {"classes": self.n_classes, "cells": cells.tolist()}

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.matrix)

    @property
    def hits(self) -> PixelCounts:
        """(N,) pixels of each class that were labelled right."""
        return np.diagonal(self.matrix)

    @property
    def pixels(self) -> PixelCounts:
        """(N,) pixels that truly have each class."""
        return self.matrix.sum(axis=1)

    @property
    def predicted(self) -> PixelCounts:
        """(N,) counted pixels that were given each class."""
        return self.matrix[:, :-1].sum(axis=0)

    def update(self, labels: Labels, predictions: Labels, ignore: int) -> None:
        """Count one more picture; see `of`."""
        self.matrix += Confusion.of(labels, predictions, self.n_classes, ignore).matrix

    def __add__(self, other: Confusion) -> Confusion:
        if self.n_classes != other.n_classes:
            raise ValueError(f"matrices of {self.n_classes} and {other.n_classes} classes do not add up")
        return Confusion(self.matrix + other.matrix)


def _table(labels: Labels, predictions: Labels, n_classes: int) -> PixelCounts | Ratios:
    """Pixels for each pair of ids, in which at least ids below `n_classes` have cells of their own.

    The counts of one picture are whole numbers, and exact, in floats too.
    """
    pairs, side = _pairs(labels.ravel(), predictions.ravel(), n_classes)
    changes = pairs[1:] != pairs[:-1]
    # Label maps are mostly long runs of one pair, and then there are far fewer runs to count than pixels.
    if 8 * np.count_nonzero(changes) < pairs.size:
        ends = np.append(np.flatnonzero(changes), pairs.size - 1)
        weights = np.diff(ends, prepend=-1)
        return np.bincount(pairs[ends], weights, minlength=side * side).reshape(side, side)
    return np.bincount(pairs, minlength=side * side).reshape(side, side)


def _pairs(
    labels: Labels, predictions: Labels, n_classes: int
) -> tuple[npt.NDArray[np.unsignedinteger], int]:
    """Each pixel's two ids as one number, true * side + predicted, and the side."""
    if labels.dtype == predictions.dtype == np.uint8:
        short = np.multiply(labels, 256, dtype=np.uint16)
        return np.add(short, predictions, out=short), 256
    side = n_classes + 1
    long = np.minimum(labels, n_classes).astype(np.uint32)
    long *= np.uint32(side)
    return np.add(long, np.minimum(predictions, n_classes), out=long), side


def class_iou(confusion: Confusion) -> Ratios:
    """(N,) intersection over union of each class, nan for classes that are not present."""
    union = confusion.pixels + confusion.predicted - confusion.hits
    return _ratio(confusion.hits, np.where(confusion.pixels, union, 0))


def class_accuracy(confusion: Confusion) -> Ratios:
    """(N,) share of each class's pixels that were labelled right, nan for classes that are not present."""
    return _ratio(confusion.hits, confusion.pixels)


def mean_iou(confusion: Confusion, classes: Sequence[int] | None = None) -> float:
    """The mean IoU over present classes: the headline number.

    `classes` leaves only these in the mean. Their IoU stays what it is among all classes: pixels of other
    classes that were taken for them still count against them. That is so for every function here.
    """
    return _mean(class_iou(confusion)[_only(classes)])


def mean_iou_strict(confusion: Confusion, classes: Sequence[int] | None = None) -> float:
    """The mean IoU in which a class that is absent but was predicted counts as 0.

    An older convention, still in use; it differs if many classes of the list never occur.
    """
    union = confusion.pixels + confusion.predicted - confusion.hits
    return _mean(_ratio(confusion.hits, union)[_only(classes)])


def frequency_weighted_iou(confusion: Confusion, classes: Sequence[int] | None = None) -> float:
    """The IoU of each class weighted with its share of the pixels."""
    pixels = confusion.pixels[_only(classes)]
    if not pixels.any():
        return float("nan")
    return float(np.nansum(class_iou(confusion)[_only(classes)] * pixels) / pixels.sum())


def mean_accuracy(confusion: Confusion, classes: Sequence[int] | None = None) -> float:
    """The mean over present classes of the share of pixels that were labelled right."""
    return _mean(class_accuracy(confusion)[_only(classes)])


def pixel_accuracy(confusion: Confusion, classes: Sequence[int] | None = None) -> float:
    """The share of all pixels (of `classes`) that were labelled right."""
    pixels = int(confusion.pixels[_only(classes)].sum())
    return int(confusion.hits[_only(classes)].sum()) / pixels if pixels else float("nan")


def harmonic_mean(seen: float, unseen: float) -> float:
    """The hIoU 2 S U / (S + U): high only if both are; 0 if both are 0."""
    return 2 * seen * unseen / (seen + unseen) if seen + unseen else 0.0


def summary(confusion: Confusion, classes: Sequence[int] | None = None) -> dict[str, float]:
    """All means by their names in `metrics.json`, each a fraction 0..1, nan where nothing was counted."""
    return {
        "miou": mean_iou(confusion, classes),
        "miou_strict": mean_iou_strict(confusion, classes),
        "fwiou": frequency_weighted_iou(confusion, classes),
        "macc": mean_accuracy(confusion, classes),
        "pacc": pixel_accuracy(confusion, classes),
    }


def _ratio(part: PixelCounts, whole: PixelCounts) -> Ratios:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _only(classes: Sequence[int] | None) -> slice | list[int]:
    return slice(None) if classes is None else list(classes)


def _mean(values: Ratios) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if len(present) else float("nan")
