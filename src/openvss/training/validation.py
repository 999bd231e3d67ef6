"""Scores of the model in training, by the code of `openvss evaluate`; and which weights they select."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.utils import gather_object

from openvss.data.catalogue import open_dataset
from openvss.data.protocol import PLAIN
from openvss.errors import InputError
from openvss.evaluation.compare import data_title
from openvss.evaluation.ground_truth import Task, default_words, names_objects
from openvss.evaluation.protocol import default_protocol, find_protocol
from openvss.evaluation.report.page import illustrate
from openvss.evaluation.report.results import metrics
from openvss.evaluation.runner import Evaluation
from openvss.evaluation.streaming import ModelPredictions
from openvss.evaluation.video_scores import score_video
from openvss.models.base import VideoModel
from openvss.models.trained import LEARNED_REST
from openvss.segmenting.segmenter import Segmenter
from openvss.training.recipe.schema import LAST, Recipe, Validation, ValidationSet
from openvss.weights import checkpoint
from openvss.words.rest import means_rest
from openvss.words.vocabulary import Vocabulary

PRINTED = ("miou", "hiou", "object_iou")
SOMETIMES_MISSING = ("miou", "hiou", "seen_miou", "unseen_miou", "mvc8", "mvc16")


@dataclass(frozen=True, eq=False)
class Check:
    """One data set to score on.

    Attributes:
        name: Prefix of its metrics, if there are several sets.
        task: What is scored, and how.
        held_out: Whether training leaves its videos out.
    """

    name: str | None
    task: Task
    held_out: bool = False


def open_checks(recipe: Recipe) -> list[Check]:
    """Open the data sets, so that mistakes in them are found before the first step."""
    settings = recipe.validation.on if recipe.validation else ()
    return [Check(one.name, _task(one, recipe.data.train[0].set), one.held_out) for one in settings]


def held_out(checks: Iterable[Check]) -> dict[str, list[str]]:
    """Names of the videos that training leaves out, by the name of their validation set, "" without one."""
    return {
        check.name or "": [clip.name for clip in check.task.dataset.clips]
        for check in checks
        if check.held_out
    }


def remembered(recipe: Recipe, model: VideoModel, trained: Vocabulary) -> dict[str, str]:
    """How the weights were trained and scored, as noted in their file, so that later uses do the same."""
    learned = {LEARNED_REST: "yes"} if any(map(means_rest, trained)) else {}
    settings = recipe.validation
    if settings is None:
        return learned
    return {"size": str(settings.size or model.size), "context": settings.context, **learned}


def score(
    checks: list[Check],
    model: VideoModel,
    recipe: Recipe,
    accelerator: Accelerator,
    pictures: Path,
    on_frame: Callable[[str, int, int], None],
) -> dict[str, float]:
    """Metrics by name; each process labels its share of the videos."""
    found: dict[str, float] = {}
    for check in checks:
        whole = _evaluate(check, model, recipe, accelerator, on_frame)
        result = metrics(check.task, {}, whole)
        prefix = f"{check.name}." if check.name else ""
        found |= {f"{prefix}{name}": value for name, value in result.items() if isinstance(value, float)}
        if accelerator.is_main_process:
            folder = pictures / check.name if check.name else pictures
            folder.mkdir(parents=True, exist_ok=True)
            title = f"{recipe.model.preset} · {check.task.dataset.name} {pictures.name}"
            illustrate(folder, title, check.task, whole, result)
    return found


def _evaluate(
    check: Check,
    model: VideoModel,
    recipe: Recipe,
    accelerator: Accelerator,
    on_frame: Callable[[str, int, int], None],
) -> Evaluation:
    assert recipe.validation is not None
    task = check.task
    segmenter = Segmenter(
        model,
        task.rules.choose_words(task.words),
        size=recipe.validation.size,
        device=str(accelerator.device),
        context=recipe.validation.context,
        others=False,  # words that mean it have been trained as such
    )
    predictions = ModelPredictions(segmenter, task.rules, {})
    mine: list[Any] = []
    frames = 0
    for number in range(accelerator.process_index, len(task.dataset.clips), accelerator.num_processes):
        with accelerator.autocast():
            mine.append((number, score_video(task, predictions, number)))
        frames += mine[-1][1].frames * accelerator.num_processes
        on_frame("scoring", min(frames, task.n_frames), task.n_frames)
    everything = gather_object(mine) if accelerator.num_processes > 1 else mine
    whole = Evaluation(task)
    for _, one in sorted(everything, key=lambda pair: pair[0]):
        whole.add(one)
    return whole


def _task(settings: ValidationSet, trained_on: str) -> Task:
    dataset: Any = open_dataset(settings.set or trained_on, settings.split)
    if settings.videos is not None and settings.videos < len(dataset.clips):
        chosen = [i * len(dataset.clips) // settings.videos for i in range(settings.videos)]
        dataset = replace(dataset, clips=tuple(dataset.clips[i] for i in chosen))
    if names_objects(dataset):
        words = default_words(dataset)
        return Task(dataset, words, find_protocol(PLAIN, words))
    rules = find_protocol(settings.protocol or default_protocol(dataset.name), dataset.vocabulary)
    return Task(dataset, dataset.vocabulary, rules)


def decisive(settings: Validation, found: dict[str, float]) -> float | None:
    """The value that decides which weights are best; None if the last ones are the result.

    Where nothing was counted for the metric, it is minus infinity.
    """
    if settings.best == LAST:
        return None
    if settings.best in found:
        return found[settings.best]
    if settings.best.rpartition(".")[2] in SOMETIMES_MISSING:
        return -math.inf
    raise InputError(
        f"There is no metric {settings.best!r} to choose the best weights by: set validation.best to {LAST} "
        f"or one of {', '.join(found)}."
    )


def headlines(found: dict[str, float]) -> str:
    """The main metrics of a validation, in one line."""
    shown = (name for name in found if name.rpartition(".")[2] in PRINTED)
    return ", ".join(f"{name} {found[name]:.4f}" for name in shown)


def selected_by(recipe: Recipe, checks: Sequence[Check], step: int, file: str = checkpoint.LAST) -> str:
    """How the weights in a file of the run were selected, such as "miou on vspw val, step 300"."""
    if file == checkpoint.LAST:
        return f"{LAST}, step {step} of {recipe.schedule.steps}"
    if file != checkpoint.BEST:
        return f"by hand, step {step}"
    assert recipe.validation is not None
    prefix, _, metric = recipe.validation.best.rpartition(".")
    return f"{metric} on {_about(_deciding(checks, prefix))}, step {step}"


def remarks(recipe: Recipe, checks: Sequence[Check], trained: Vocabulary) -> list[str]:
    """Warnings about how weights will be chosen, shown before the first step."""
    if not checks or recipe.validation is None or recipe.validation.best == LAST:
        return []
    prefix, _, metric = recipe.validation.best.rpartition(".")
    known = {word for label in trained for word in label.synonyms}
    task = _deciding(checks, prefix).task
    unseen = [task.words.names[i] for i in _classes(task, metric) if not known & _synonyms(task.words, i)]
    if not unseen:
        return []
    words = f"{len(unseen)} words" if len(unseen) > 1 else "a word"
    return [
        f"validation.best: {recipe.validation.best} uses labels of {words} that training does not show "
        f"({', '.join(unseen[:3])}{', ...' if len(unseen) > 3 else ''}), so weights chosen by it say nothing "
        f"about unseen words: choose by seen words, or set validation.best={LAST}."
    ]


def _deciding(checks: Sequence[Check], prefix: str) -> Check:
    return next(check for check in checks if (check.name or "") == prefix)


def _about(check: Check) -> str:
    """Such as "40 videos held out of vspw train, protocol vspw-80-44-seen"."""
    dataset, rules = check.task.dataset, check.task.rules
    place = data_title({"name": dataset.name, "root": str(dataset.root), "split": dataset.split})
    n, taken = len(dataset.clips), "held out of" if check.held_out else "of"
    which = f"{n} {'video' if n == 1 else 'videos'} {taken} {place}"
    return which if rules.name == PLAIN else f"{which}, protocol {rules.name}"


def _classes(task: Task, metric: str) -> list[int]:
    """The classes whose labels a metric uses."""
    if task.objects_only:
        objects = map(task.object_of, task.dataset.clips)
        return sorted({i for found in objects if found is not None for i in found[1]})
    return sorted(task.rules.groups.get(metric.removesuffix("_miou"), task.rules.counted))


def _synonyms(words: Vocabulary, i: int) -> set[str]:
    return set(words.labels[i].synonyms)
