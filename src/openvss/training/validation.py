"""Scores of the model in training, made by what `openvss evaluate` uses, with pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.utils import gather_object

from openvss.data.catalogue import open_dataset
from openvss.data.protocol import PLAIN
from openvss.evaluation.ground_truth import Task, default_words, names_objects
from openvss.evaluation.protocol import default_protocol, find_protocol
from openvss.evaluation.report.page import illustrate
from openvss.evaluation.report.results import metrics
from openvss.evaluation.runner import Evaluation
from openvss.evaluation.streaming import ModelPredictions
from openvss.evaluation.video_scores import score_video
from openvss.models.base import VideoModel
from openvss.segmenting.segmenter import Segmenter
from openvss.training.recipe.schema import Recipe, ValidationSet


@dataclass(frozen=True, eq=False)
class Check:
    """One data set to score on.

    Attributes:
        name: Before the names of its metrics, if there are several sets.
        task: What is scored, and how.
        held_out: Whether training leaves its videos out.
    """

    name: str | None
    task: Task
    held_out: bool = False


def open_checks(recipe: Recipe) -> list[Check]:
    """The data sets, so that what is wrong with them is known before the first step."""
    settings = recipe.validation.on if recipe.validation else ()
    return [Check(one.name, _task(one, recipe.data.train[0].set), one.held_out) for one in settings]


def remembered(recipe: Recipe, model: VideoModel) -> dict[str, str]:
    """What weights note of how they were scored, so that evaluations of them go on with it."""
    settings = recipe.validation
    if settings is None:
        return {}
    return {"size": str(settings.size or model.size), "context": settings.context}


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
