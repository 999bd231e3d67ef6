"""When targets are made anew, and for which data sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from accelerate import Accelerator

from openvss.models.base import VideoModel
from openvss.training.recipe.schema import Recipe
from openvss.training.start import TrainingData
from openvss.training.targets import makers as targets


def begins(recipe: Recipe, step: int) -> bool:
    """Whether a round begins at a step, after the first."""
    every = recipe.targets.every if recipe.targets else None
    return every is not None and step % every == 0


def end(recipe: Recipe, step: int) -> int:
    """The step at which the round of `step` ends."""
    every, steps = recipe.targets.every if recipe.targets else None, recipe.schedule.steps
    return steps if every is None else min(steps, (step // every + 1) * every)


def make(
    recipe: Recipe,
    step: int,
    model: VideoModel,
    data: TrainingData,
    run: Path,
    accelerator: Accelerator,
    on_clip: Callable[[str, int, int], None],
) -> None:
    """Make the targets of the round of `step`, unless that is done, and wait until all processes have."""
    settings = recipe.targets
    if settings is None:
        return
    maker = targets.find_maker(settings.maker)
    number = 0 if settings.every is None else step // settings.every
    shared = settings.maker in targets.SHARED
    share = (accelerator.process_index, accelerator.num_processes) if shared else (0, 1)
    for source in data.sources:
        if source.setting.labels == "own" and recipe.clip.context != "made":
            continue
        source.made = targets.round_folder(run, number, source.number)
        what, clips = f"targets {number}", len(source.dataset.clips)
        order = targets.TargetOrder(
            model.eval(),
            source.dataset,
            source.vocabulary(data.joint),
            source.made,
            settings.options,
            lambda done, what=what, clips=clips: on_clip(what, done, clips),  # type: ignore[misc]
            share,
        )
        if shared or accelerator.is_main_process:
            targets.fill(maker, order)
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            targets.finish(order)
