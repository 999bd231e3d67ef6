"""The one loop that trains every system: steps, validations, what is logged and what is saved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from openvss.errors import InputError, Stopped
from openvss.training import safety, schedule, selection, validation
from openvss.training.data.batches import Learnable, load
from openvss.training.recipe.schema import Recipe
from openvss.training.runs import checkpoint as state
from openvss.training.runs.folder import RunFolder
from openvss.training.runs.log import RunLog
from openvss.training.setup import TrainingSetup
from openvss.training.start import options_for
from openvss.training.targets import rounds
from openvss.training.targets.passed import passed, require_some
from openvss.training.watcher import Watcher
from openvss.weights.checkpoint import BEST, LAST, save_model


class Trainer:
    """One stage of training in its folder."""

    def __init__(self, recipe: Recipe, parts: TrainingSetup, folder: RunFolder, watcher: Watcher) -> None:
        self._recipe, self._parts, self._folder, self._watcher = recipe, parts, folder, watcher
        self._main = parts.accelerator.is_main_process
        self._progress = state.Progress(processes=parts.accelerator.num_processes)

    def run(self, *, resume: bool) -> None:
        """Train to the end, from the saved state if there is one and `resume` says so."""
        if resume and self._folder.state.exists():
            self._restore()
        progress, saving = self._progress, self._recipe.saving
        path = self._folder.path if self._main else None
        journal = RunLog(path, progress.log_bytes, saving.tensorboard, progress.step)
        with journal, safety.StopRequest() as self._stop:
            self._steps(journal)

    def _steps(self, journal: RunLog) -> None:
        recipe, progress, parts = self._recipe, self._progress, self._parts
        self._since = time.monotonic()
        if progress.step == 0:  # it is known before the first step that there is room for what is saved
            self._folder.require_space(self._saved_bytes())
            self._save(journal)
        batches: Iterator[Learnable] | None = None
        while True:
            if self._validation_due():
                self._validate(journal)
            if progress.step == recipe.schedule.steps:
                break
            if batches is None or rounds.begins(recipe, progress.step):
                batches = self._load(journal)
            means, stopping = parts.stepper.take(progress.step, batches, self._stop)
            if parts.average is not None:
                parts.average.update(progress.step)
            progress.step += 1
            self._log(journal, means)
            if stopping or self._saving_due():
                self._save(journal)
            keep = recipe.saving.keep_every
            if keep is not None and progress.step % keep == 0:
                self._save_weights(f"step-{progress.step:06d}.safetensors")
            if stopping:
                raise Stopped

    def _restore(self) -> None:
        parts = self._parts
        self._progress = state.load(self._folder.state, parts.model, parts.average, parts.stepper.optimiser)
        before, now = self._progress.processes, parts.accelerator.num_processes
        if before != now:
            raise InputError(
                f"The run in {self._folder.path} has {before} processes and not {now}: start as many again."
            )
        if self._progress.scaler is not None:
            parts.accelerator.scaler.load_state_dict(self._progress.scaler)
        self._watcher.say(f"going on after step {self._progress.step}")

    def _load(self, journal: RunLog) -> Iterator[Learnable]:
        """This process's batches, for which the processes take turns, up to the next round of targets."""
        recipe, step, parts = self._recipe, self._progress.step, self._parts
        with self._averaged():
            rounds.make(
                recipe, step, parts.model, parts.data, self._folder.path, parts.accelerator, self._frame
            )
        self._say_what_passed(journal)
        processes = parts.accelerator.num_processes
        per_step = recipe.data.accumulate * processes
        first = step * per_step + parts.accelerator.process_index
        numbers = range(first, rounds.end(recipe, step) * per_step, processes)
        return load(parts.data.batches, numbers, recipe.data, parts.accelerator.device, self._folder.disown)

    def _say_what_passed(self, journal: RunLog) -> None:
        """Once for each round of pseudo-labels; after a resume in the midst of one the log has it already."""
        step, sources = self._progress.step, self._parts.data.sources
        found = passed(sources)
        if step == 0 or rounds.begins(self._recipe, step):
            for one in found:
                journal.write("targets", step, set=one.name, **one.numbers)
                self._watcher.say(str(one))
        require_some(found, sources)

    def _frame(self, what: str, done: int, total: int) -> None:
        """Something long, before which the state was saved, has come so far."""
        if self._stop.made and self._parts.accelerator.num_processes == 1:  # others could not know
            raise Stopped
        self._watcher.frame(what, done, total)

    def _log(self, journal: RunLog, means: dict[str, float]) -> None:
        progress, every = self._progress, self._recipe.saving.log_every
        steps, entry = self._recipe.schedule.steps, None
        for name, value in means.items():
            progress.sums[name] = progress.sums.get(name, 0.0) + value
        if progress.step % every == 0 or progress.step == steps:
            n = (progress.step - 1) % every + 1
            now, stepper = time.monotonic(), self._parts.stepper
            entry = {name: value / n for name, value in progress.sums.items()}
            factor = schedule.factor(self._recipe.schedule, progress.step - 1)
            entry["lr"] = self._recipe.optimiser.lr * factor  # what no pattern of optimiser.rates changes
            times = {"seconds": now - self._since, "waiting": stepper.waited, "steps": n}
            journal.write("train", progress.step, **entry, **times)
            progress.sums, self._since, stepper.waited = {}, now, 0.0
        self._watcher.step(progress.step, steps, entry)

    def _due(self, every: int) -> bool:
        return self._progress.step % every == 0 or self._progress.step == self._recipe.schedule.steps

    def _saving_due(self) -> bool:
        """Also before what takes long, so that it need not be reached again."""
        long = self._validation_due() or rounds.begins(self._recipe, self._progress.step)
        return long or self._due(self._recipe.saving.every)

    def _validation_due(self) -> bool:
        settings, progress = self._recipe.validation, self._progress
        return settings is not None and progress.scored < progress.step and self._due(settings.every)

    def _validate(self, journal: RunLog) -> None:
        settings, progress, parts = self._recipe.validation, self._progress, self._parts
        assert settings is not None
        pictures = self._folder.path / "validation" / f"{progress.step:06d}"
        with self._averaged():
            found = validation.score(
                parts.checks, parts.model, self._recipe, parts.accelerator, pictures, self._frame
            )
        progress.scored = progress.step
        value, said = selection.decisive(settings, found), selection.headlines(found)
        if value is not None:
            if progress.best is None or value > progress.best:
                progress.best, progress.best_step = value, progress.step
                self._save_weights(BEST)
            best = f"best {progress.best:.4f} at step {progress.best_step}"
            said = f"{settings.best} {value:.4f}, {best}"
        journal.write("validation", progress.step, **found)
        self._watcher.say(f"step {progress.step}: {said}")
        self._save(journal)
        self._since = time.monotonic()

    def _save(self, journal: RunLog) -> None:
        """The state and the weights of now."""
        progress, parts = self._progress, self._parts
        if self._main:
            scaler = parts.accelerator.scaler
            progress.log_bytes = journal.n_bytes
            progress.scaler = None if scaler is None else scaler.state_dict()
            state.save(self._folder.state, parts.model, parts.average, parts.stepper.optimiser, progress)
            self._folder.note(step=progress.step, best=progress.best, selected_by=self._selected_by())
        if progress.step:
            self._save_weights(LAST)
        parts.accelerator.wait_for_everyone()

    def _saved_bytes(self) -> int:
        """The old state and the new, the best and the last weights."""
        parameters = list(self._parts.model.parameters())
        trained = [p for p in parameters if p.requires_grad]
        weights = sum(p.numel() * p.element_size() for p in parameters)
        moments = (3 if self._parts.average else 2) * sum(p.numel() * p.element_size() for p in trained)
        return 2 * (weights + moments) + 2 * weights

    def _selected_by(self) -> str:
        """Of the weights that are the result of the run as it stands."""
        recipe, progress, checks = self._recipe, self._progress, self._parts.checks
        if progress.best is None:
            return selection.selected_by(recipe, checks, progress.step)
        return selection.selected_by(recipe, checks, progress.best_step, BEST)

    def _save_weights(self, name: str) -> None:
        if self._main:
            recipe, parts, step = self._recipe, self._parts, self._progress.step
            extra = {
                "step": str(step),
                "selected_by": selection.selected_by(recipe, parts.checks, step, name),
                **validation.remembered(recipe, parts.model),
            }
            with self._averaged():
                file, options = self._folder.path / name, options_for(recipe)
                save_model(parts.model, file, recipe.model.preset, options, extra)

    def _averaged(self) -> AbstractContextManager[None]:
        average = self._parts.average
        return nullcontext() if average is None else average.applied()
