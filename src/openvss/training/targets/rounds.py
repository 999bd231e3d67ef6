"""When a run makes its targets, by which maker, and in which folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import broadcast
from torch.nn.modules.batchnorm import _BatchNorm

from openvss.models.base import VideoModel
from openvss.plugs import Table, later
from openvss.training.data.batches import TrainingData
from openvss.training.recipe.schema import Recipe
from openvss.training.targets.maker import Maker, TargetRequest

MAKERS = Table(
    "maker of targets",
    {
        "contexts": Maker(later("openvss.training.targets.contexts:contexts"), shared=True),
        "pseudo-labels": Maker(
            later("openvss.training.targets.pseudo_labels:pseudo_labels"),
            shared=True,
            join=later("openvss.training.targets.pseudo_labels:report"),
        ),
    },
)
DONE = "done.json"


def begins(recipe: Recipe, step: int) -> bool:
    """Whether a round begins at a step after the first."""
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
    """Make the targets of the round of `step`, unless they exist, and wait until all processes have."""
    settings = recipe.targets
    if settings is None:
        return
    maker = MAKERS.find(settings.maker)
    number = 0 if settings.every is None else step // settings.every
    if maker.shared:
        agree_on_buffers(model, accelerator)
    share = (accelerator.process_index, accelerator.num_processes) if maker.shared else (0, 1)
    for source in data.sources:
        if source.setting.labels == "own" and recipe.clip.context != "made":
            continue
        source.made = round_folder(run, number, source.number)
        what, clips = f"targets {number}", len(source.dataset.clips)
        request = TargetRequest(
            model.eval(),
            source.dataset,
            source.vocabulary(data.joint),
            source.made,
            settings.options,
            lambda done, what=what, clips=clips: on_clip(what, done, clips),  # type: ignore[misc]
            share,
        )
        if maker.shared or accelerator.is_main_process:
            fill(maker, request)
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            finish(maker, request)


def agree_on_buffers(model: VideoModel, accelerator: Accelerator) -> None:
    """Give all processes the main one's statistics of batch norms, which DDP does only before a step."""
    if accelerator.num_processes > 1:
        norms = (module for module in model.modules() if isinstance(module, _BatchNorm))
        broadcast([buffer for norm in norms for buffer in norm.buffers()])


def round_folder(run: Path, number: int, source: int) -> Path:
    """Where the targets of a data set lie in a round."""
    return run / "targets" / f"{number:03d}" / str(source)


def fill(maker: Maker, request: TargetRequest) -> None:
    """Have this process's share made, unless everything is."""
    if (request.folder / DONE).exists():
        return
    request.folder.mkdir(parents=True, exist_ok=True)
    maker.make(request)


def finish(maker: Maker, request: TargetRequest) -> None:
    """Join what all processes have filled the folder with, unless that is done."""
    if (request.folder / DONE).exists():
        return
    if maker.join is not None:
        maker.join(request)
    words = json.dumps({"words": list(request.vocabulary.names)})
    (request.folder / DONE).write_text(f"{words}\n", encoding="utf-8")
