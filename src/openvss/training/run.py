"""A whole recipe: its stages one after another, each in its folder."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.state import AcceleratorState

from openvss import __version__
from openvss.errors import InputError, Stopped
from openvss.training import plan as plans
from openvss.training.data.batches import TrainingData
from openvss.training.recipe.reader import Stage
from openvss.training.recipe.schema import Recipe
from openvss.training.runs.folder import RunFolder, holds_run, make_room
from openvss.training.runs.listing import CURVES, write_curves
from openvss.training.runs.log import Watcher
from openvss.training.setup import TrainingSetup, assemble
from openvss.training.trainer import Trainer
from openvss.training.validation import held_out, remarks
from openvss.weights.checkpoint import find_checkpoint
from openvss.words.vocabulary import Vocabulary


@dataclass(frozen=True)
class RunOptions:
    """How to run a recipe.

    Attributes:
        resume: Resume the run in the folder.
        overwrite: Replace it.
        cpu: Use no accelerator.
    """

    resume: bool = False
    overwrite: bool = False
    cpu: bool = False

    def __post_init__(self) -> None:
        if self.resume and self.overwrite:
            raise InputError("--resume continues a run and --overwrite replaces it: use only one of them.")


def train(stages: list[Stage], out: Path, options: RunOptions, watcher: Watcher) -> Path:
    """Train all stages; returns the folder of the last, which holds the result.

    A stage starts from the result of the one before, unless its recipe names other weights.
    """
    folders = [out / f"{i + 1}-{stage.name}" if stage.name else out for i, stage in enumerate(stages)]
    cpu = _begin(options)
    if options.overwrite and any(map(holds_run, [out, *folders])):
        for stage in stages:
            _try(stage.recipe, cpu, assemble)
            _begin(options)
    PartialState().wait_for_everyone()  # all have seen the earlier run before it is deleted
    if PartialState().is_main_process:
        make_room(out, folders, overwrite=options.overwrite)
    before = None
    for place, (stage, folder) in enumerate(zip(stages, folders, strict=True)):
        recipe = stage.recipe if before is None else _after(stage.recipe, before)
        if stage.name:
            watcher.say(f"stage {place + 1} of {len(stages)}: {stage.name}")
        train_stage(recipe, folder, options, watcher, stage=stage.name)
        before = folder
    return folders[-1]


def plan(stages: list[Stage], options: RunOptions) -> Iterator[str]:
    """The plan, line by line; a stage that starts from another is planned with untrained weights."""
    for stage in stages:
        if stage.name:
            yield f"stage {stage.name}"
        yield from plans.plan(stage.recipe, cpu=_begin(options))


def _after(recipe: Recipe, before: Path) -> Recipe:
    if recipe.model.init_from is not None:
        return recipe
    file = find_checkpoint(before)
    assert file is not None
    # absolute: the recipe is kept and compared on resume, however the folder was spelt
    model = recipe.model.model_copy(update={"init_from": str(file.absolute())})
    return recipe.model_copy(update={"model": model})


def _without_start(recipe: Recipe) -> Recipe:
    """The recipe of a resumed run: its state replaces the weights that it started from."""
    model = recipe.model.model_copy(update={"init_from": None, "pretrained": False})
    return recipe.model_copy(update={"model": model})


def train_stage(
    recipe: Recipe,
    path: Path,
    options: RunOptions,
    watcher: Watcher,
    assembler: Callable[[Recipe, Path, bool], TrainingSetup] = assemble,
    stage: str = "",
) -> None:
    """Train one stage in its folder; `stage` is its name if there are several.

    `assembler` builds it from the recipe, the folder, and whether to compute on the CPU. A system that learns
    from something else than clips, or by another pass, brings its own.
    """
    cpu = _begin(options)
    if cpu and recipe.precision == "bf16" and torch.backends.cpu.get_cpu_capability() == "AVX2":
        watcher.say("precision: bf16 is many times slower on this processor than --set precision=fp32.")
    if options.overwrite and holds_run(path):
        _try(recipe, cpu, assembler)
        _begin(options)
    PartialState().wait_for_everyone()  # as above
    folder, main = RunFolder(path, recipe), PartialState().is_main_process
    if main:
        folder.claim(resume=options.resume, overwrite=options.overwrite)
    PartialState().wait_for_everyone()
    how = None
    try:
        resumed = options.resume and folder.state.exists()
        setup = assembler(_without_start(recipe) if resumed else recipe, path, cpu)
        if setup.taken is not None:
            watcher.say(str(setup.taken))
        for remark in remarks(recipe, setup.checks, setup.data.joint.vocabulary):
            watcher.say(remark)
        how = "failed"
        if main:
            preset, steps = recipe.model.preset, recipe.schedule.steps
            folder.note(status="running", preset=preset, steps=steps, began=time.time(), version=__version__)
            folder.note(processes=PartialState().num_processes, stage=stage or None)
            folder.note(held_out=held_out(setup.checks), labelled_words=labelled_words(recipe, setup.data))
        Trainer(recipe, setup, folder, watcher).run(resume=options.resume)
        how = "finished"
    except Stopped:
        how = "stopped"
        raise
    finally:
        if main:
            with contextlib.suppress(OSError):  # a full disk has been reported already
                if how is None:  # it did not begin
                    folder.discard()
                else:
                    folder.note(status=how, ended=time.time())
                    write_curves([path], path / CURVES)
            folder.release()


def _try(recipe: Recipe, cpu: bool, assembler: Callable[[Recipe, Path, bool], TrainingSetup]) -> None:
    """Find mistakes in a recipe and its data while the run that it replaces is still there."""
    with tempfile.TemporaryDirectory() as name:
        assembler(recipe, Path(name), cpu)


def labelled_words(recipe: Recipe, data: TrainingData) -> list[str]:
    """What labels have taught the model: words of sets that have their own, and those of `words.seen`."""
    own = {i for source in data.sources if source.setting.labels == "own" for i in source.words}
    labels = [data.joint.vocabulary.labels[i] for i in sorted(own)]
    if recipe.words.seen is not None:
        labels += Vocabulary.parse(recipe.words.seen)
    return list(dict.fromkeys(word for label in labels for word in label.synonyms))


def _begin(options: RunOptions) -> bool:
    """Join the other processes, if there are any; returns whether to compute on the CPU."""
    # `deterministic` needs this on CUDA: cuBLAS reads it once, before any stage multiplies.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Without `cpu`, accelerate does not connect processes on a machine without accelerators.
    cpu = options.cpu or not torch.accelerator.is_available()
    # The main process may make targets for hours while the others wait.
    PartialState(cpu=cpu, timeout=timedelta(days=1))
    AcceleratorState._reset_state()  # of an earlier stage, whose precision may differ
    return cpu
