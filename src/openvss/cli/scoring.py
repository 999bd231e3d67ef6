"""What `openvss evaluate` and `openvss submit` score, and on what: from options to a task and predictions."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openvss.cli import completion
from openvss.cli.filled_help import either, filled
from openvss.engines.names import Choice, Precision
from openvss.errors import InputError
from openvss.segmenting.settings import Context, StreamSettings
from openvss.wording import counted

if TYPE_CHECKING:
    from openvss.data.base import Dataset
    from openvss.evaluation.ground_truth import Task
    from openvss.evaluation.predictions import Predictions
    from openvss.words.vocabulary import Vocabulary

DEFAULT_MODEL = "tiny"

DataOption = Annotated[
    str | None,
    typer.Option(metavar="NAME:ROOT", help="{datasets}, and its folder, such as vspw:/data/VSPW_480p."),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        help="One of `openvss models`, the path of a checkpoint, run or exported folder, or hf:NAME.",
        autocompletion=completion.models,
        show_default=DEFAULT_MODEL,
    ),
]
WeightsOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Weights to use instead of the model's own.")
]
UntrainedOption = Annotated[
    bool, typer.Option("--untrained", help="Use random weights instead of trained ones.")
]
SplitOption = Annotated[
    str | None, typer.Option(help="Part of the data set.", show_default="val; all of a folder")
]
ProtocolOption = Annotated[str | None, typer.Option(help="{protocols}.", show_default="the data set's own")]
WordsOption = Annotated[
    str | None,
    typer.Option(
        help="Another wording of the classes: as many words as the data set has classes, in its order, "
        "such as pc459-raw. For a set of named objects: any words that include theirs.",
        show_default="the data set's own",
    ),
]
SizeOption = Annotated[
    int | None,
    typer.Option(
        help="Short side, in pixels, at which the model sees frames.",
        show_default="the model's own; of a run, that of its validations",
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
ContextOption = Annotated[
    Context | None,
    typer.Option(
        help="Whether the model may look at the whole video or only at the past.",
        show_default="past; of a run, that of its validations",
    ),
]
PrecisionOption = Annotated[
    Precision, typer.Option(help="Precision of the model's computation; bf16 and fp16 are meant for GPUs.")
]


@dataclass(frozen=True)
class ScoringChoice:
    """Which model is scored, and how it is run; each field is an option of the command line."""

    model: str | None = None
    weights: Path | None = None
    untrained: bool = False
    option: dict[str, object] = field(default_factory=dict)
    size: int | None = None
    device: str = StreamSettings.device
    context: Context | None = None
    precision: Precision = StreamSettings.precision
    engine: Choice = StreamSettings.engine

    def given(self) -> list[str]:
        """The options that differ from their defaults."""
        default = ScoringChoice()
        names = (one.name for one in fields(self))
        return [f"--{name}" for name in names if getattr(self, name) != getattr(default, name)]


def _listed_datasets() -> str:
    from openvss.data.catalogue import LAYOUTS

    return either(LAYOUTS)


def _listed_protocols() -> str:
    from openvss.evaluation.protocol import protocol_names

    return ", ".join(protocol_names())


ScoringHelp = filled(datasets=_listed_datasets, protocols=_listed_protocols)


def find_task(dataset: Dataset, words: str | None, protocol: str | None) -> Task:
    """The data with the words and rules by which it is scored."""
    from openvss.data.protocol import PLAIN
    from openvss.evaluation.ground_truth import Task, default_words, names_objects
    from openvss.evaluation.protocol import default_protocol, find_protocol
    from openvss.words.vocabulary import Vocabulary

    if names_objects(dataset):
        if protocol not in (None, PLAIN):
            raise InputError(
                f"The protocol {protocol} scores classes, but {dataset.name} names one object per sequence: "
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
    if given := choice.given():
        raise InputError(
            f"{' and '.join(given)} cannot be combined with --predictions, which are scored as they are: "
            "leave one or the other out."
        )
    from openvss.evaluation.predictions import FolderPredictions

    return FolderPredictions(predictions, task.dataset, task.words, task.rules)


def _wording(dataset: Dataset, words: str | None) -> Vocabulary:
    from openvss.words.vocabulary import Vocabulary

    if words is None:
        return dataset.vocabulary
    wording = Vocabulary.parse(words)
    if len(wording) != len(dataset.vocabulary):
        raise InputError(
            f"--words has {counted(len(wording), 'label')}, but {dataset.name} has "
            f"{counted(len(dataset.vocabulary), 'class')}: "
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
    from openvss.segmenting.loading import load, notes_of
    from openvss.words.rest import place_of_rest

    words = task.rules.choose_words(task.words)
    may_add = task.objects_only  # else each label is a class
    name = choice.model or DEFAULT_MODEL
    noted = notes_of(name, choice.weights)
    segmenter = load(
        name,
        words,
        weights=choice.weights,
        untrained=choice.untrained,
        options=choice.option,
        size=choice.size,
        device=choice.device,
        context="whole" if (choice.context or noted.get("context")) == "whole" else "past",
        precision=choice.precision,
        engine=choice.engine,
        others=None if may_add or place_of_rest(words) is not None else False,
    )
    about = {
        "name": name,
        "options": choice.option,
        **({"weights": str(choice.weights)} if choice.weights else {}),
        "weights_sha256": segmenter.model.weights_sha256,
        "engine": segmenter.engine.name,
        "size": segmenter.size,
        "context": segmenter.settings.context,
        "precision": segmenter.settings.precision,
        "everything_else": segmenter.rest,
        "device": segmenter.engine.kind,
    }
    if "selected_by" in noted:
        about["selected_by"] = noted["selected_by"]
    return ModelPredictions(segmenter, task.rules, about)
