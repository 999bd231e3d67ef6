"""The one loop that trains every system: steps, validations, what is logged and what is saved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from openvss.errors import InputError, Stopped
from openvss.training import safety, validation
from openvss.training.data.batches import Learnable, load
from openvss.training.optimisation import rate_factor
from openvss.training.recipe.schema import Recipe
from openvss.training.runs import checkpoint as state
from openvss.training.runs.folder import RunFolder
from openvss.training.runs.log import RunLog, Watcher
from openvss.training.setup import TrainingSetup, options_for
from openvss.training.targets import rounds
from openvss.training.targets.report import passed, require_some
from openvss.weights.checkpoint import BEST, LAST, save_model


class Trainer:
    """One stage of training in its folder."""

    def __init__(self, recipe: Recipe, setup: TrainingSetup, folder: RunFolder, watcher: Watcher) -> None:
        self._recipe, self._setup, self._folder, self._watcher = recipe, setup, folder, watcher
        self._main = setup.accelerator.is_main_process
        before = recipe.validation is not None and recipe.validation.before
        processes = setup.accelerator.num_processes
        self._progress = state.Progress(processes=processes, scored=-1 if before else 0)

    def run(self, *, resume: bool) -> None:
        """Train to the end; with `resume`, from the saved state if there is one."""
        if resume and self._folder.state.exists():
            self._restore()
        progress, saving = self._progress, self._recipe.saving
        path = self._folder.path if self._main else None
        journal = RunLog(path, progress.log_bytes, saving.tensorboard, progress.step)
        with journal, safety.StopRequest() as self._stop:
            self._steps(journal)

    def _steps(self, journal: RunLog) -> None:
        recipe, progress, setup = self._recipe, self._progress, self._setup
        self._since = time.monotonic()
        if progress.step == 0:  # a full disk is found before the first step
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
            means, stopping = setup.stepper.take(progress.step, batches, self._stop)
            if setup.average is not None:
                setup.average.update(progress.step)
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
        setup = self._setup
        self._progress = state.load(self._folder.state, setup.model, setup.average, setup.stepper.optimiser)
        before, now = self._progress.processes, setup.accelerator.num_processes
        if before != now:
            raise InputError(
                f"The run in {self._folder.path} was started with {before} processes, not {now}: resume with "
                f"{before} processes."
            )
        if self._progress.scaler is not None:
            setup.accelerator.scaler.load_state_dict(self._progress.scaler)
        self._watcher.say(f"resuming after step {self._progress.step}")

    def _load(self, journal: RunLog) -> Iterator[Learnable]:
        """This process's batches up to the next round of targets: every n-th of n processes."""
        recipe, step, setup = self._recipe, self._progress.step, self._setup
        with self._averaged():
            rounds.make(
                recipe, step, setup.model, setup.data, self._folder.path, setup.accelerator, self._frame
            )
        self._report_targets(journal)
        processes = setup.accelerator.num_processes
        per_step = recipe.data.accumulate * processes
        first = step * per_step + setup.accelerator.process_index
        numbers = range(first, rounds.end(recipe, step) * per_step, processes)
        return load(setup.data.batches, numbers, recipe.data, setup.accelerator.device, self._folder.disown)

    def _report_targets(self, journal: RunLog) -> None:
        """Once for each round of pseudo-labels; after a resume within a round, the log has it already."""
        step, sources = self._progress.step, self._setup.data.sources
        found = passed(sources)
        if step == 0 or rounds.begins(self._recipe, step):
            for one in found:
                journal.write("targets", step, set=one.name, **one.numbers)
                self._watcher.say(str(one))
        require_some(found, sources)

    def _frame(self, what: str, done: int, total: int) -> None:
        """Report the progress of a long task, before which the state was saved."""
        if self._stop.made and self._setup.accelerator.num_processes == 1:  # others would wait forever
            raise Stopped
        self._watcher.frame(what, done, total)

    def _log(self, journal: RunLog, means: dict[str, float]) -> None:
        progress, every = self._progress, self._recipe.saving.log_every
        steps, entry = self._recipe.schedule.steps, None
        for name, value in means.items():
            progress.sums[name] = progress.sums.get(name, 0.0) + value
        if progress.step % every == 0 or progress.step == steps:
            n = (progress.step - 1) % every + 1
            now, stepper = time.monotonic(), self._setup.stepper
            entry = {name: value / n for name, value in progress.sums.items()}
            factor = rate_factor(self._recipe.schedule, progress.step - 1)
            entry["lr"] = (
                self._recipe.optimiser.lr * factor
            )  # for parameters that no pattern of optimiser.rates matches
            times = {"seconds": now - self._since, "waiting": stepper.waited, "steps": n}
            journal.write("train", progress.step, **entry, **times)
            progress.sums, self._since, stepper.waited = {}, now, 0.0
        self._watcher.step(progress.step, steps, entry)

    def _due(self, every: int) -> bool:
        return self._progress.step % every == 0 or self._progress.step == self._recipe.schedule.steps

    def _saving_due(self) -> bool:
        """Also before every long task, so that a resumed run need not repeat the steps before it."""
        long = self._validation_due() or rounds.begins(self._recipe, self._progress.step)
        return long or self._due(self._recipe.saving.every)

    def _validation_due(self) -> bool:
        settings, progress = self._recipe.validation, self._progress
        return settings is not None and progress.scored < progress.step and self._due(settings.every)

    def _validate(self, journal: RunLog) -> None:
        settings, progress, setup = self._recipe.validation, self._progress, self._setup
        assert settings is not None
        pictures = self._folder.path / "validation" / f"{progress.step:06d}"
        with self._averaged():
            found = validation.score(
                setup.checks, setup.model, self._recipe, setup.accelerator, pictures, self._frame
            )
        progress.scored = progress.step
        value, said = validation.decisive(settings, found), validation.headlines(found)
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
        """Save the current state and weights."""
        progress, setup = self._progress, self._setup
        if self._main:
            scaler = setup.accelerator.scaler
            progress.log_bytes = journal.n_bytes
            progress.scaler = None if scaler is None else scaler.state_dict()
            state.save(self._folder.state, setup.model, setup.average, setup.stepper.optimiser, progress)
            self._folder.note(step=progress.step, best=progress.best, selected_by=self._selected_by())
        if progress.step:
            self._save_weights(LAST)
        setup.accelerator.wait_for_everyone()

    def _saved_bytes(self) -> int:
        """Bytes of the old state and the new, and of the best and the last weights."""
        parameters = list(self._setup.model.parameters())
        trained = [p for p in parameters if p.requires_grad]
        weights = sum(p.numel() * p.element_size() for p in parameters)
        moments = (3 if self._setup.average else 2) * sum(p.numel() * p.element_size() for p in trained)
        return 2 * (weights + moments) + 2 * weights

    def _selected_by(self) -> str:
        """How the weights that are the result of the run so far were selected."""
        recipe, progress, checks = self._recipe, self._progress, self._setup.checks
        if progress.best is None:
            return validation.selected_by(recipe, checks, progress.step)
        return validation.selected_by(recipe, checks, progress.best_step, BEST)

    def _save_weights(self, name: str) -> None:
        if self._main:
            recipe, setup, step = self._recipe, self._setup, self._progress.step
            extra = {
                "step": str(step),
                "selected_by": validation.selected_by(recipe, setup.checks, step, name),
                **validation.remembered(recipe, setup.model, setup.data.joint.vocabulary),
            }
            with self._averaged():
                file, options = self._folder.path / name, options_for(recipe)
                save_model(setup.model, file, recipe.model.preset, options, extra)

    def _averaged(self) -> AbstractContextManager[None]:
        average = self._setup.average
        return nullcontext() if average is None else average.applied()
