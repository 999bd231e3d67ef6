"""The one result type: a word for every pixel of a frame."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from openvss.errors import InputError
from openvss.plugs import later

if TYPE_CHECKING:
    from PIL.Image import Image
    from supervision import Detections

    from openvss.video.frame import Frame
    from openvss.video.picture import Picture

# What draws and writes needs label maps itself, and Pillow.
_VIEWS = "openvss.video.views"
_save, _overlay, _preview, _detections = (
    later(f"{_VIEWS}:{name}") for name in ("save", "overlay", "preview", "detections")
)
MOST_NAMED = 8  # words in a message

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
        rest: The id of everything else, if it is one of the words.

    Example:
        >>> from fractions import Fraction
        >>> import numpy as np, openvss
        >>> labels = np.array([[0, 0, 1], [0, 1, 255]], np.uint8)
        >>> found = openvss.LabelMap(labels, np.ones((2, 3), np.float32), ("dog", "grass"), 0, Fraction(0))
        >>> found.unlabelled
        255
        >>> (found.shares() * 6).tolist()  # dog, grass, unlabelled
        [3.0, 2.0, 1.0]
        >>> found.mask("dog").tolist()
        [[True, True, False], [True, False, False]]

        `found.save("mask.png")` keeps the ids; `found.overlay(frame).save("seen.png")` draws the labels.
    """

    labels: Labels
    confidence: npt.NDArray[np.float32]
    words: tuple[str, ...]
    index: int
    time: Fraction
    rest: int | None = None

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

    def mask(self, word: str) -> npt.NDArray[np.bool_]:
        """Where a word is: (H, W).

        Args:
            word: The display name of a label, which is the first of its synonyms, or "unlabelled". Letter
                case and extra spaces make no difference.

        Raises:
            InputError: The labels have no such name.
        """
        if _key(word) == "unlabelled":
            return self.labels == self.unlabelled
        ids = [i for i, name in enumerate(self.words) if _key(name) == _key(word)]
        if not ids:
            raise InputError(f"There is no label {word!r} in this map: {_choices(word, self.words)}.")
        return np.any([self.labels == i for i in ids], axis=0)  # labels of a built-in list may share a name

    def overlay(self, image: Frame | Picture, *, legend: bool = True) -> Image:
        """The labels drawn over the frame that they belong to, as a PIL image.

        Args:
            image: The frame as it was given to `step`: a `Frame`, an array, a PIL image or a path.
            legend: Whether to list the words with their colours, where there is room.

        Raises:
            InputError: The image has another size than the labels, or cannot be used.
        """
        drawn: Image = _overlay(self, image, legend)
        return drawn

    def save(self, path: str | Path) -> None:
        """Write the labels as a PNG file of ids, like those in `masks/` of `openvss segment`.

        Raises:
            InputError: The name does not end in `.png`.
            OutputError: The file cannot be written.
        """
        _save(self, path)

    def to_supervision(self) -> Detections:
        """The words in the frame as `supervision.Detections`, for its annotators and trackers.

        One detection for each word that has pixels: `mask`, `xyxy`, `class_id`, `confidence` (the mean over
        the mask) and `data["class_name"]`. The package `supervision` has to be installed.

        Raises:
            InputError: It is not installed.
        """
        found: Detections = _detections(self)
        return found

    def _repr_png_(self) -> bytes:
        """What Jupyter shows."""
        shown: bytes = _preview(self)
        return shown


def _key(word: str) -> str:
    """A name as it is compared."""
    return " ".join(str(word).casefold().split())


def _choices(word: str, words: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(_key(word), words, MOST_NAMED)
    if near:
        return f"choose {' or '.join(near)}"
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    return f"choose one of {', '.join(words[:MOST_NAMED])}{more}"


def label_dtype(n_words: int) -> type[np.uint8] | type[np.uint16]:
    """The smallest type that holds `n_words` ids and the unlabelled id."""
    return np.uint8 if n_words <= 254 else np.uint16


def unlabelled_id(n_words: int) -> int:
    """255 or 65535, the largest value of `label_dtype`."""
    return int(np.iinfo(label_dtype(n_words)).max)
