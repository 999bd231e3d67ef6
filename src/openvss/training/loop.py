"""The one loop that trains every system: steps, validations, what is logged and what is saved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs

from openvss.errors import Stopped
from openvss.training import safety, schedule, state, validation
from openvss.training.average import Average
from openvss.training.batches import load
from openvss.training.groups import groups_of
from openvss.training.journal import Journal
from openvss.training.recipe import Recipe
from openvss.training.run_folder import RunFolder
from openvss.training.start import build, open_data, options_for
from openvss.training.step import Stepper
from openvss.weights.checkpoint import BEST, LAST, save_model


@dataclass(frozen=True)
class Watcher:
    """Who wants to know how a run goes.

    Attributes:
        say: Takes a line of text.
        step: Takes the steps done, the steps of the run, and the entry of the log, if there is one.
        frame: Takes the frames scored in a validation, and how many there are.
    """

    say: Callable[[str], None] = lambda line: None
    step: Callable[[int, int, dict[str, Any] | None], None] = lambda done, total, entry: None
    frame: Callable[[int, int], None] = lambda done, total: None


class Trainer:
    """One stage of training in its folder.

    Attributes:
        taken: What the model took from a checkpoint, None if there was none to take from.
        groups: How its parameters are trained.
    """

    def __init__(self, recipe: Recipe, folder: RunFolder, watcher: Watcher, *, cpu: bool = False) -> None:
        self._recipe, self._folder, self._watcher = recipe, folder, watcher
        self._accelerator = Accelerator(
            cpu=cpu,
            mixed_precision={"fp32": "no"}.get(recipe.precision, recipe.precision),
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )
        torch.use_deterministic_algorithms(recipe.deterministic)
        self._model, self.taken = build(recipe)
        self._data = open_data(recipe, self._model)
        self._checks = validation.open_checks(recipe.validation) if recipe.validation else []
        self.groups = groups_of(self._model, recipe.optimiser)
        words = self._model.words(self._data.joint.vocabulary)
        self._stepper = Stepper(recipe, self._accelerator, self._model, self.groups, words, self._folder.path)
        self._average = Average(self._model, recipe.ema) if recipe.ema else None
        self._progress = state.Progress()

    def run(self, *, resume: bool) -> None:
        """Train to the end, from the saved state if there is one and `resume` says so."""
        if resume and self._folder.state.exists():
            self._restore()
        progress, saving = self._progress, self._recipe.saving
        main = self._accelerator.is_main_process
        with (
            Journal(
                self._folder.path if main else None, progress.log_bytes, saving.tensorboard, progress.step
            ) as journal,
            safety.StopRequest() as stop,
        ):
            self._steps(journal, stop)

    def _steps(self, journal: Journal, stop: safety.StopRequest) -> None:
        recipe, progress = self._recipe, self._progress
        batches = load(self._data.batches, self._numbers(), recipe.data.workers)
        self._since = time.monotonic()
        if progress.step == 0:
            self._save(journal)  # so that it is known before the first step that there is room for it
        while True:
            if self._validation_due():
                self._validate(journal)
            if progress.step == recipe.schedule.steps:
                break
            means, stopping = self._stepper.take(progress.step, batches, stop)
            if self._average is not None:
                self._average.update(self._model, progress.step)
            progress.step += 1
            self._log(journal, means)
            if stopping or self._due(recipe.saving.every) or self._validation_due():
                self._save(journal)
            keep = recipe.saving.keep_every
            if keep is not None and progress.step % keep == 0:
                self._save_weights(f"step-{progress.step:06d}.safetensors")
            if stopping:
                raise Stopped

    def _restore(self) -> None:
        file, optimiser = self._folder.state, self._stepper.optimiser
        self._progress = state.load(file, self._model, self._average, optimiser)
        if self._progress.scaler is not None:
            self._accelerator.scaler.load_state_dict(self._progress.scaler)
        self._watcher.say(f"going on after step {self._progress.step}")

    def _numbers(self) -> Iterator[int]:
        """Of this process's batches: the processes take turns."""
        processes = self._accelerator.num_processes
        per_step = self._recipe.data.accumulate * processes
        first, last = self._progress.step * per_step, self._recipe.schedule.steps * per_step
        return iter(range(first + self._accelerator.process_index, last, processes))

    def _log(self, journal: Journal, means: dict[str, float]) -> None:
        progress, every = self._progress, self._recipe.saving.log_every
        steps, entry = self._recipe.schedule.steps, None
        for name, value in means.items():
            progress.sums[name] = progress.sums.get(name, 0.0) + value
        if progress.step % every == 0 or progress.step == steps:
            n = (progress.step - 1) % every + 1
            now = time.monotonic()
            entry = {name: value / n for name, value in progress.sums.items()}
            factor = schedule.factor(self._recipe.schedule, progress.step - 1)
            entry["lr"] = max(group.lr for group in self.groups) * factor
            times = {"seconds": now - self._since, "waiting": self._stepper.waited, "steps": n}
            journal.write("train", progress.step, **entry, **times)
            progress.sums, self._since, self._stepper.waited = {}, now, 0.0
        self._watcher.step(progress.step, steps, entry)

    def _due(self, every: int) -> bool:
        return self._progress.step % every == 0 or self._progress.step == self._recipe.schedule.steps

    def _validation_due(self) -> bool:
        settings, progress = self._recipe.validation, self._progress
        return settings is not None and progress.scored < progress.step and self._due(settings.every)

    def _validate(self, journal: Journal) -> None:
        settings, progress = self._recipe.validation, self._progress
        assert settings is not None
        pictures = self._folder.path / "validation" / f"{progress.step:06d}"
        with self._averaged():
            found = validation.score(
                self._checks, self._model, self._recipe, self._accelerator, pictures, self._watcher.frame
            )
        progress.scored = progress.step
        value = validation.decisive(settings, found)
        if progress.best is None or value > progress.best:
            progress.best, progress.best_step = value, progress.step
            self._save_weights(BEST)
        journal.write("validation", progress.step, **found)
        self._watcher.say(
            f"step {progress.step}: {settings.best} {value:.4f}, best {progress.best:.4f} at step "
            f"{progress.best_step}"
        )
        self._save(journal)
        self._since = time.monotonic()

    def _save(self, journal: Journal) -> None:
        """The state and the weights of now."""
        progress, scaler = self._progress, self._accelerator.scaler
        if self._accelerator.is_main_process:
            progress.log_bytes = journal.n_bytes
            progress.scaler = None if scaler is None else scaler.state_dict()
            state.save(self._folder.state, self._model, self._average, self._stepper.optimiser, progress)
            self._folder.note(step=progress.step, best=progress.best)
        if progress.step:
            self._save_weights(LAST)
        self._accelerator.wait_for_everyone()

    def _save_weights(self, name: str) -> None:
        if self._accelerator.is_main_process:
            preset, options = self._recipe.model.preset, options_for(self._recipe)
            extra = {"step": str(self._progress.step)}
            with self._averaged():
                save_model(self._model, self._folder.path / name, preset, options, extra)

    def _averaged(self) -> AbstractContextManager[None]:
        return nullcontext() if self._average is None else self._average.applied_to(self._model)
