"""The rules under which a score is made: which words may be chosen, which pixels count, what is reported.

Every score names its protocol, since the same labels give other numbers under other rules.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from openvss.errors import InputError
from openvss.evaluation.metrics.confusion import Confusion, harmonic_mean, mean_iou, summary
from openvss.video.labelmap import Labels, label_dtype, unlabelled_id
from openvss.words.vocabulary import Vocabulary

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Protocol:
    """One set of rules for a list of words; ids are those of the whole list.

    Attributes:
        name: What the user types.
        about: The rules in one sentence.
        n_words: Length of the data set's list of words.
        candidates: The words that a model may choose from.
        counted: The classes whose pixels count.
        groups: Classes whose mean IoU is reported besides the overall one, among all candidates and counted
            pixels. With "seen" and "unseen" their harmonic mean is reported too.
        background: If given, every prediction from this id on, "unlabelled" included, means background, which
            is the class of this id and the last.
    """

    name: str
    about: str
    n_words: int
    candidates: Ids
    counted: Ids
    groups: Mapping[str, Ids] = field(default_factory=dict)
    background: int | None = None

    @property
    def n_classes(self) -> int:
        """How many classes the confusion matrix has."""
        return self.n_words if self.background is None else self.background + 1

    def choose_words(self, vocabulary: Vocabulary) -> Vocabulary:
        """The words to give to a model."""
        if self.candidates == tuple(range(len(vocabulary))):
            return vocabulary
        return Vocabulary(tuple(vocabulary.labels[i] for i in self.candidates))

    def class_names(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """The name of each class of the confusion matrix."""
        if self.background is None:
            return vocabulary.names
        return (*vocabulary.names[: self.background], "background")

    def count_labels(self, labels: Labels, ignore: int) -> Labels:
        """Ground truth in which pixels of classes that do not count are ignored."""
        if len(self.counted) == self.n_classes:
            return labels
        return cast("Labels", _counting(self.counted, ignore, labels.dtype).take(labels))

    def classes_of_model(self, labels: Labels) -> Labels:
        """Class ids for the labels of a model that was given `choose_words`."""
        if self.candidates == tuple(range(self.n_words)):
            return self.classes_of_list(labels)
        n_labels = np.iinfo(labels.dtype).max + 1
        table = np.full(n_labels, unlabelled_id(self.n_words), label_dtype(self.n_words))
        table[: len(self.candidates)] = self.candidates
        return self.classes_of_list(cast("Labels", table[labels]))

    def classes_of_list(self, labels: Labels) -> Labels:
        """Class ids for labels in the ids of the data set's list of words, as other software writes them."""
        if self.background is None:
            return labels
        return np.minimum(labels, labels.dtype.type(self.background))


@functools.cache
def _counting(counted: Ids, ignore: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """For each id itself if it counts, else the ignored one."""
    table = np.full(np.iinfo(dtype).max + 1, ignore, dtype)
    table[list(counted)] = counted
    return table


def find_protocol(name: str, vocabulary: Vocabulary) -> Protocol:
    """The protocol of a name in `NAMES` for the words of a data set, whatever wording was chosen for them."""
    if name == PLAIN:
        return _plain(PLAIN, len(vocabulary))
    protocol = PROTOCOLS.get(name)
    if protocol is None:
        raise InputError(f"There is no protocol {name!r}: choose one of {', '.join(NAMES)}.")
    if len(vocabulary) != protocol.n_words:
        raise InputError(
            f"The protocol {name} is for a list of {protocol.n_words} words, but the data set has "
            f"{len(vocabulary)}: choose another one, such as {PLAIN}."
        )
    return protocol


def default_protocol(dataset: str) -> str:
    """The name of the protocol in which results on a data set are most often given."""
    return DEFAULTS.get(dataset, PLAIN)


def scores(protocol: Protocol, confusion: Confusion) -> dict[str, float]:
    """What the protocol reports, by the names in `metrics.json`: fractions, nan where nothing was counted."""
    found = summary(confusion, protocol.counted)
    groups = {name: mean_iou(confusion, classes) for name, classes in protocol.groups.items()}
    found |= {f"{name}_miou": value for name, value in groups.items()}
    if {"seen", "unseen"} <= groups.keys():
        found["hiou"] = harmonic_mean(groups["seen"], groups["unseen"])
    return found


def _plain(name: str, n_words: int) -> Protocol:
    about = f"All {n_words} words of the list are candidates and all labelled pixels count."
    everything = tuple(range(n_words))
    return Protocol(name, about, n_words, candidates=everything, counted=everything)


def _vspw() -> list[Protocol]:
    """The open-vocabulary split of the OV2VSS paper: the first 80 classes are seen in training, 44 are not.

    Raw ids 1 to 80 of VSPW's masks are classes 0 to 79, seen; raw 81 to 124 are classes 80 to 123, unseen. In
    the authors' code the split is off by one: it looks up raw ids in a table of classes before it subtracts
    one, so that raw 80 ("bag") is never trained and raw 124 ("train") never scored. It also scores a class
    "background" that no pixel has. We do neither, so numbers made with that code are not exactly comparable.
    """
    seen, unseen = tuple(range(80)), tuple(range(80, 124))
    return [
        Protocol(
            "vspw-80-44",
            "Generalised: all 124 words are candidates and all pixels count; seen and unseen classes apart.",
            n_words=124,
            candidates=seen + unseen,
            counted=seen + unseen,
            groups={"seen": seen, "unseen": unseen},
        ),
        Protocol(
            "vspw-80-44-unseen",
            "The OV2VSS paper's: only the 44 unseen words are candidates and only their pixels count.",
            n_words=124,
            candidates=unseen,
            counted=unseen,
            groups={"unseen": unseen},
        ),
        Protocol(
            "vspw-80-44-seen",
            "Only the 80 seen words are candidates and only their pixels count; also for training.",
            n_words=124,
            candidates=seen,
            counted=seen,
            groups={"seen": seen},
        ),
    ]


def _cityscapes() -> Protocol:
    """Transfer from VSPW's seen classes, with the eight that the OV2VSS paper calls novel as the unseen ones.

    Sidewalk, fence, traffic light, traffic sign, vegetation, terrain, rider and train: the authors' own
    wording of them is absent from VSPW's seen list. In our wording traffic light and fence are seen, and by
    meaning so are others (trees and grass), so that they are new words rather than new things.
    """
    novel = (1, 4, 6, 7, 8, 9, 12, 16)
    everything = tuple(range(19))
    return Protocol(
        "cityscapes-transfer",
        "All 19 words are candidates and all pixels count; unseen are the 8 that the OV2VSS paper calls "
        "novel, because the authors' own wording of them is absent from VSPW's seen list; traffic light and "
        "fence are seen in our wording.",
        n_words=19,
        candidates=everything,
        counted=everything,
        groups={"seen": tuple(sorted({*everything} - {*novel})), "unseen": novel},
    )


def _image_benchmarks() -> list[Protocol]:
    """The image benchmarks of open-vocabulary segmentation.

    Two conventions of mIoU circulate for them: `miou` averages over classes present in the ground truth,
    `miou_strict` counts classes that are absent but were predicted as 0. Both are always reported.
    """
    sizes = {"a-847": 847, "pc-459": 459, "a-150": 150, "pc-59": 59, "pas-20": 20}
    return [
        *(_plain(name, size) for name, size in sizes.items()),
        Protocol(
            "pas-20b",
            "20 words and 39 of background are candidates; each of the 39 means class 20, background.",
            n_words=59,
            candidates=tuple(range(59)),
            counted=tuple(range(21)),
            background=20,
        ),
    ]


PLAIN = "plain"
PROTOCOLS = {protocol.name: protocol for protocol in (*_vspw(), _cityscapes(), *_image_benchmarks())}
NAMES = (PLAIN, *PROTOCOLS)
DEFAULTS = {
    "ade847": "a-847",
    "pc459": "pc-459",
    "ade150": "a-150",
    "pc59": "pc-59",
    "voc20": "pas-20",
    "voc20b": "pas-20b",
}
