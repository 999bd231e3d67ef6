"""Which classes of a data set are trained on, and one vocabulary for several data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from openvss.data.base import Dataset
from openvss.data.synthetic.compositions import seen, unseen
from openvss.errors import InputError
from openvss.evaluation.protocol import find_protocol, protocols
from openvss.training.recipe.schema import TrainingSet
from openvss.words.vocabulary import Label, Vocabulary

UNKNOWN = 65535  # in joint ids: this pixel has no label
JointTable = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Joint:
    """One vocabulary for several data sets.

    Attributes:
        vocabulary: Each class that at least one set trains on, once by name.
        tables: For each set: its own id -> id in the vocabulary, or `UNKNOWN`.
        words: For each set: the ids of its words in the vocabulary.
    """

    vocabulary: Vocabulary
    tables: tuple[JointTable, ...]
    words: tuple[tuple[int, ...], ...]


def join(datasets: Sequence[Dataset], settings: Sequence[TrainingSet]) -> Joint:
    """The vocabulary of all sets together; classes of the same name become one."""
    synonyms: dict[str, dict[str, None]] = {}
    places: list[dict[int, str]] = []
    for dataset, setting in zip(datasets, settings, strict=True):
        labels = _renamed(dataset, setting)
        kept = _kept(dataset, setting)
        for number in kept:
            synonyms.setdefault(labels[number].name, {}).update(dict.fromkeys(labels[number].synonyms))
        places.append({number: labels[number].name for number in kept})
    ids = {name: number for number, name in enumerate(synonyms)}
    tables, words = [], []
    for dataset, kept_names in zip(datasets, places, strict=True):
        table = np.full(dataset.ignore + 1, UNKNOWN, np.uint16)
        for number, name in kept_names.items():
            table[number] = ids[name]
        tables.append(table)
        words.append(tuple(sorted({ids[name] for name in kept_names.values()})))
    only = datasets[0].vocabulary
    if len(datasets) == 1 and [label.name for label in only] == list(synonyms) and not settings[0].rename:
        return Joint(only, tuple(tables), tuple(words))
    vocabulary = Vocabulary(tuple(Label(name, tuple(words)) for name, words in synonyms.items()))
    return Joint(vocabulary, tuple(tables), tuple(words))


def _renamed(dataset: Dataset, setting: TrainingSet) -> list[Label]:
    names = dataset.vocabulary.names
    for name in setting.rename:
        if name not in names:
            raise InputError(f"{setting.set} has no class {name!r}: correct rename in data.train.")
    return [
        Vocabulary.parse(setting.rename[label.name]).labels[0] if label.name in setting.rename else label
        for label in dataset.vocabulary
    ]


def _kept(dataset: Dataset, setting: TrainingSet) -> list[int]:
    """The ids that are trained on, in order."""
    names = dataset.vocabulary.names
    chosen = _chosen(dataset, setting)
    for name in setting.without:
        if name not in names:
            raise InputError(f"{setting.set} has no class {name!r}: correct without in data.train.")
    kept = [
        number for number in range(len(names)) if number in chosen and names[number] not in setting.without
    ]
    if not kept:
        raise InputError(f"No class of {setting.set} is left to train on: correct classes or without.")
    return kept


def _chosen(dataset: Dataset, setting: TrainingSet) -> set[int]:
    names = dataset.vocabulary.names
    if setting.classes is None:
        return set(range(len(names)))
    if setting.classes in ("seen", "unseen"):
        looks = seen() if setting.classes == "seen" else unseen()
        ids = {names.index(look.word) for look in looks if look.word in names}
        if not ids:
            raise InputError(
                f"{setting.set} is not a set of synthetic compositions and has no {setting.classes} classes: "
                f"name a protocol ({', '.join(protocols())}) or the classes."
            )
        return ids
    if isinstance(setting.classes, str):
        return set(find_protocol(setting.classes, dataset.vocabulary).counted)
    for name in setting.classes:
        if name not in names:
            raise InputError(f"{setting.set} has no class {name!r}: correct classes in data.train.")
    return {names.index(name) for name in setting.classes}
