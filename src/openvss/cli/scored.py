"""What `openvss evaluate` scores, and on what: from its options to a task and predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from openvss.errors import InputError

if TYPE_CHECKING:
    from openvss.data.base import Dataset
    from openvss.evaluation.task import Predictions, Task
    from openvss.segmenting.settings import Context, Precision
    from openvss.words.vocabulary import Vocabulary


@dataclass(frozen=True)
class ScoringChoice:
    """Which model is scored."""

    name: str
    weights: Path | None
    untrained: bool
    options: dict[str, object]
    size: int | None
    device: str
    context: Context | None
    precision: Precision


def find_dataset(data: str, split: str | None, *, for_submission: bool) -> Dataset:
    """What `--data` and `--split` name; a submission does not need labels."""
    from openvss.data.catalogue import open_dataset

    if for_submission:
        dataset = open_dataset(data, split, labelled=False)
        if not any(label for clip in dataset.clips for label in clip.labels):
            return dataset
    return open_dataset(data, split)


def find_task(dataset: Dataset, words: str | None, protocol: str | None) -> Task:
    """The data with the words and rules by which it is scored."""
    from openvss.evaluation.metrics.objects import default_words, names_objects
    from openvss.evaluation.protocol import PLAIN, default_protocol, find_protocol
    from openvss.evaluation.task import Task
    from openvss.words.vocabulary import Vocabulary

    if names_objects(dataset):
        if protocol not in (None, PLAIN):
            raise InputError(
                f"The protocol {protocol} is about classes, but {dataset.name} names one object a sequence: "
                f"leave --protocol out, or give {PLAIN}."
            )
        named = default_words(dataset) if words is None else Vocabulary.parse(words)
        return Task(dataset, named, find_protocol(PLAIN, named))
    rules = find_protocol(protocol or default_protocol(dataset.name), dataset.vocabulary)
    return Task(dataset, _wording(dataset, words), rules)


def find_scored(task: Task, choice: ScoringChoice, predictions: Path | None) -> Predictions:
    """A folder of predictions, or else a model's."""
    if predictions is None:
        return from_model(task, choice)
    if not task.n_frames:
        raise InputError("--predictions are scored against labels, but this split has none: give --model.")

    from openvss.evaluation.predictions import FolderPredictions

    return FolderPredictions(predictions, task.dataset, task.words, task.rules)


def _wording(dataset: Dataset, words: str | None) -> Vocabulary:
    from openvss.words.vocabulary import Vocabulary

    if words is None:
        return dataset.vocabulary
    wording = Vocabulary.parse(words)
    if len(wording) != len(dataset.vocabulary):
        raise InputError(
            f"--words has {len(wording)} labels, but {dataset.name} has {len(dataset.vocabulary)} classes: "
            "give one label for each class, in the data set's order."
        )
    for label, known in zip(wording, dataset.vocabulary, strict=True):
        others = {word for one in dataset.vocabulary if one is not known for word in one.synonyms}
        other = next((word for word in label.synonyms if word in others), None)
        if other and not set(label.synonyms) & set(known.synonyms):
            raise InputError(
                f"--words gives {other!r} for the class {known.name!r}, but {dataset.name} has another class "
                "of that name: give one label for each class, in the data set's order."
            )
    return wording


def from_model(task: Task, choice: ScoringChoice) -> Predictions:
    """What a model predicts."""
    from openvss.evaluation.streaming import ModelPredictions
    from openvss.models.trained import notes
    from openvss.segmenting.loading import load

    noted = notes(choice.name, choice.weights)
    segmenter = load(
        choice.name,
        task.rules.choose_words(task.words),
        weights=choice.weights,
        untrained=choice.untrained,
        options=choice.options,
        size=choice.size,
        device=choice.device,
        context="whole" if (choice.context or noted.get("context")) == "whole" else "past",
        precision=choice.precision,
    )
    about = {
        "name": choice.name,
        "options": choice.options,
        **({"weights": str(choice.weights)} if choice.weights else {}),
        "weights_sha256": segmenter.model.weights_sha256,
        "size": segmenter.size,
        "context": segmenter.settings.context,
        "precision": segmenter.settings.precision,
        "device": segmenter.device.type,
    }
    if "selected_by" in noted:
        about["selected_by"] = noted["selected_by"]
    return ModelPredictions(segmenter, task.rules, about)
