"""Which weights are the result of a run, and how a reader can tell how they were chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence

from openvss.data.protocol import PLAIN
from openvss.errors import InputError
from openvss.evaluation.compare import data_title
from openvss.evaluation.ground_truth import Task
from openvss.training.recipe.schema import LAST, Recipe, Validation
from openvss.training.validation import Check
from openvss.weights import checkpoint
from openvss.words.vocabulary import Vocabulary

PRINTED = ("miou", "hiou", "object_iou")
SOMETIMES_MISSING = ("miou", "hiou", "seen_miou", "unseen_miou", "mvc8", "mvc16")


def decisive(settings: Validation, found: dict[str, float]) -> float | None:
    """The value that decides which weights are the best, None if the last are the result.

    Where nothing was counted for the metric, it is the lowest.
    """
    if settings.best == LAST:
        return None
    if settings.best in found:
        return found[settings.best]
    if settings.best.rpartition(".")[2] in SOMETIMES_MISSING:
        return -math.inf
    raise InputError(
        f"There is no metric {settings.best!r} to choose the best weights by: give validation.best {LAST} or "
        f"one of {', '.join(found)}."
    )


def headlines(found: dict[str, float]) -> str:
    """The metrics of a validation in a line."""
    shown = (name for name in found if name.rpartition(".")[2] in PRINTED)
    return ", ".join(f"{name} {found[name]:.4f}" for name in shown)


def selected_by(recipe: Recipe, checks: Sequence[Check], step: int, file: str = checkpoint.LAST) -> str:
    """How the weights of a step come to be those in a file of the run."""
    if file == checkpoint.LAST:
        return f"{LAST}, step {step} of {recipe.schedule.steps}"
    if file != checkpoint.BEST:
        return f"by hand, step {step}"
    assert recipe.validation is not None
    prefix, _, metric = recipe.validation.best.rpartition(".")
    return f"{metric} on {_about(_deciding(checks, prefix))}, step {step}"


def remarks(recipe: Recipe, checks: Sequence[Check], trained: Vocabulary) -> list[str]:
    """What is to be said before the first step about how weights will be chosen."""
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
        f"validation.best: {recipe.validation.best} looks at labels of {words} that training does not show "
        f"({', '.join(unseen[:3])}{', ...' if len(unseen) > 3 else ''}): weights chosen by it are no result "
        f"on unseen words. Choose by seen words, or give validation.best={LAST}."
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
    """The classes whose labels a metric looks at."""
    if task.objects_only:
        objects = map(task.object_of, task.dataset.clips)
        return sorted({i for found in objects if found is not None for i in found[1]})
    return sorted(task.rules.groups.get(metric.removesuffix("_miou"), task.rules.counted))


def _synonyms(words: Vocabulary, i: int) -> set[str]:
    return set(words.labels[i].synonyms)
