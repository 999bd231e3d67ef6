"""The one result type: a word for every pixel of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """What `Segmenter.step` returns for a frame.

    Attributes:
        labels: (H, W) ids into `words`, uint8 for up to 254 words, else uint16; the type's largest value
            (255 or 65535) means unlabelled.
        confidence: (H, W) float32 in 0..1, the probability of the winning word.
        words: The display name of each label, in id order.
        index: Number of the frame in its source.
        time: Its timestamp in seconds.

    Example:
        >>> from fractions import Fraction
        >>> import numpy as np, openvss
        >>> labels = np.array([[0, 0, 1], [0, 1, 255]], np.uint8)
        >>> found = openvss.LabelMap(labels, np.ones((2, 3), np.float32), ("dog", "grass"), 0, Fraction(0))
        >>> found.unlabelled
        255
        >>> (found.shares() * 6).tolist()  # dog, grass, unlabelled
        [3.0, 2.0, 1.0]
    """

    labels: Labels
    confidence: npt.NDArray[np.float32]
    words: tuple[str, ...]
    index: int
    time: Fraction

    @property
    def unlabelled(self) -> int:
        """The id for "no word"."""
        return unlabelled_id(len(self.words))

    def counts(self) -> npt.NDArray[np.int64]:
        """Pixels of each word, then of "unlabelled": (len(words) + 1,)."""
        counts = np.bincount(self.labels.ravel(), minlength=self.unlabelled + 1)
        return np.append(counts[: len(self.words)], counts[self.unlabelled])

    def shares(self) -> npt.NDArray[np.float64]:
        """The fraction of the frame that each word covers, then the unlabelled rest: (len(words) + 1,)."""
        return self.counts() / self.labels.size


def label_dtype(n_words: int) -> type[np.uint8] | type[np.uint16]:
    """The smallest type that holds `n_words` ids and the unlabelled id."""
    return np.uint8 if n_words <= 254 else np.uint16


def unlabelled_id(n_words: int) -> int:
    """255 or 65535, the largest value of `label_dtype`."""
    return int(np.iinfo(label_dtype(n_words)).max)
