"""The one loop that trains every system, on one process or many.

Nothing random has a memory: a batch is a function of its number, and every forward pass is seeded by the seed
and the batch's number. So a resumed run repeats an uninterrupted one bit for bit, and two processes do what
one does with twice the accumulation.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from torch import Tensor, nn

from openvss.errors import Stopped
from openvss.models.base import VideoModel
from openvss.models.words import Words
from openvss.training import safety, schedule, state, validation
from openvss.training.average import Average
from openvss.training.batches import Batch, load
from openvss.training.groups import groups_of, train_mode
from openvss.training.journal import Journal
from openvss.training.recipe import Recipe
from openvss.training.run_folder import RunFolder
from openvss.training.start import build, open_data
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


class Pass(nn.Module):
    """One forward pass with its loss, as one module, so that all of it is what accelerate prepares."""

    def __init__(self, model: VideoModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, frames: Tensor, words: Words, context: Tensor | None, labels: Tensor
    ) -> dict[str, Tensor]:
        """The terms of the loss."""
        return self.model.loss(self.model(frames, words, context), labels)


class Trainer:
    """One stage of training in its folder."""

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
        optimiser = torch.optim.AdamW(
            [
                {"params": list(g.parameters), "lr": g.lr, "weight_decay": g.weight_decay, "peak": g.lr}
                for g in self.groups
            ],
            betas=recipe.optimiser.betas,
        )
        self._pass, self._optimiser = self._accelerator.prepare(Pass(self._model), optimiser)
        self._average = Average(self._model, recipe.ema) if recipe.ema else None
        self._words = self._model.words(self._data.joint.vocabulary)
        self._progress = state.Progress()
        self._trained = [p for p in self._model.parameters() if p.requires_grad]

    def run(self, *, resume: bool) -> None:
        """Train to the end, from the saved state if there is one and `resume` says so."""
        recipe, folder, main = self._recipe, self._folder, self._accelerator.is_main_process
        if resume and folder.state.exists():
            self._progress = state.load(folder.state, self._model, self._average, self._inner_optimiser)
            if self._progress.scaler is not None:
                self._accelerator.scaler.load_state_dict(self._progress.scaler)
            self._watcher.say(f"going on after step {self._progress.step}")
        progress, steps = self._progress, recipe.schedule.steps
        self._journal = (
            Journal(folder.path, progress.log_bytes, recipe.saving.tensorboard, progress.step)
            if main
            else None
        )
        batches = load(self._data.batches, self._numbers(), recipe.data.workers)
        self._since = time.monotonic()
        self._waited = 0.0
        with safety.StopRequest() as stop:
            if progress.step == 0:
                self._save()  # before the first step it is known that there is room for it
            while True:
                if self._validation_due():
                    self._validate()
                if progress.step == steps:
                    break
                stopping = self._step(batches, stop)
                if stopping or self._due(recipe.saving.every) or self._validation_due():
                    self._save()
                self._keep()
                if stopping:
                    raise Stopped
        self._save()
        if self._journal is not None:
            self._journal.close()

    @property
    def _inner_optimiser(self) -> torch.optim.Optimizer:
        return cast("torch.optim.Optimizer", getattr(self._optimiser, "optimizer", self._optimiser))

    def _numbers(self) -> Iterator[int]:
        """Of this process's batches: the processes take turns."""
        per_step = self._recipe.data.accumulate * self._accelerator.num_processes
        first, last = self._progress.step * per_step, self._recipe.schedule.steps * per_step
        start = first + self._accelerator.process_index
        return iter(range(start, last, self._accelerator.num_processes))

    def _step(self, batches: Iterator[Batch], stop: safety.StopRequest) -> bool:
        """One step of the optimiser; True if the run was asked to stop."""
        recipe, progress = self._recipe, self._progress
        train_mode(self._model)
        factor = schedule.factor(recipe.schedule, progress.step)
        for group in self._optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        taken: list[Batch] = []
        terms: list[dict[str, Tensor]] = []
        for turn in range(recipe.data.accumulate):
            before = time.monotonic()
            batch = next(batches)
            self._waited += time.monotonic() - before
            taken.append(batch)
            last = turn == recipe.data.accumulate - 1
            with nullcontext() if last else self._accelerator.no_sync(self._pass):
                terms.append(self._pass_of(batch))
        norm = self._accelerator.clip_grad_norm_(self._trained, recipe.optimiser.clip_norm or float("inf"))
        means, stopping = self._agree(terms, norm, stop, taken)
        self._optimiser.step()
        self._optimiser.zero_grad()
        if self._average is not None:
            self._average.update(self._model, progress.step)
        progress.step += 1
        self._log(means, factor)
        return stopping

    def _pass_of(self, batch: Batch) -> dict[str, Tensor]:
        """Forward and backward; gradients of the step's batches add up to their mean."""
        recipe, device = self._recipe, self._accelerator.device
        with safety.memory_advice(recipe, self._progress.step + 1, batch):
            seed_all(recipe.seed, batch.number)
            ids = list(batch.words)
            words = Words(tuple(self._words.names[i] for i in ids), self._words.embeddings[ids])
            context = None if batch.context is None else batch.context.to(device, non_blocking=True)
            frames, labels = batch.frames.to(device, non_blocking=True), batch.labels.to(device)
            terms: dict[str, Tensor] = self._pass(frames, words, context, labels)
            total = torch.stack(list(terms.values())).sum()
            self._accelerator.backward(total / recipe.data.accumulate)
        return {"loss": total.detach(), **{k: v.detach() for k, v in terms.items() if k != "loss"}}

    def _agree(
        self, terms: list[dict[str, Tensor]], norm: Tensor, stop: safety.StopRequest, taken: list[Batch]
    ) -> tuple[dict[str, float], bool]:
        """The means over all processes, once it is sure that each has numbers; and whether to stop."""
        names = list(terms[0])
        table = torch.stack([torch.stack([one[name].double() for name in names]) for one in terms])
        mine = torch.cat([table.mean(0), norm.detach().double()[None].to(table.device)])
        values = torch.tensor([*mine.tolist(), float(stop.made)], dtype=torch.float64)
        if self._accelerator.num_processes > 1:
            values = cast(
                "Tensor", self._accelerator.reduce(values.to(self._accelerator.device), "mean")
            ).cpu()
        *means, norm_value, stopping = values.tolist()
        overflow_is_normal = self._recipe.precision == "fp16"  # of gradients; such a step is skipped
        if not np.isfinite(means).all() or not (np.isfinite(norm_value) or overflow_is_normal):
            what = "gradient" if np.isfinite(means).all() else "loss"
            bad = [b for b, row in zip(taken, table.isfinite().all(1).tolist(), strict=True) if not row]
            error = safety.report_not_finite(
                self._folder.path,
                self._progress.step + 1,
                bad or taken,
                what,
                self._accelerator.process_index,
            )
            raise error
        return {**dict(zip(names, means, strict=True)), "grad_norm": norm_value}, stopping > 0

    def _log(self, means: dict[str, float], factor: float) -> None:
        progress, every = self._progress, self._recipe.saving.log_every
        for name, value in means.items():
            progress.sums[name] = progress.sums.get(name, 0.0) + value
        steps, entry = self._recipe.schedule.steps, None
        if progress.step % every == 0 or progress.step == steps:
            n = (progress.step - 1) % every + 1
            now = time.monotonic()
            entry = {name: value / n for name, value in progress.sums.items()}
            entry["lr"] = max(group.lr for group in self.groups) * factor
            times = {"seconds": now - self._since, "waiting": self._waited, "steps": n}
            if self._journal is not None:
                self._journal.write("train", progress.step, **entry, **times)
            progress.sums, self._since, self._waited = {}, now, 0.0
        self._watcher.step(progress.step, steps, entry)

    def _due(self, every: int) -> bool:
        return self._progress.step % every == 0 or self._progress.step == self._recipe.schedule.steps

    def _validation_due(self) -> bool:
        settings, progress = self._recipe.validation, self._progress
        return settings is not None and progress.scored < progress.step and self._due(settings.every)

    def _validate(self) -> None:
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
        if self._journal is not None:
            self._journal.write("validation", progress.step, **found)
            self._watcher.say(
                f"step {progress.step}: {settings.best} {value:.4f}, best {progress.best:.4f} at step "
                f"{progress.best_step}"
            )
        self._save()
        self._since = time.monotonic()

    def _save(self) -> None:
        """The state and the weights of now."""
        if self._accelerator.is_main_process:
            assert self._journal is not None
            self._progress.log_bytes = self._journal.n_bytes
            scaler = self._accelerator.scaler
            self._progress.scaler = None if scaler is None else scaler.state_dict()
            state.save(self._folder.state, self._model, self._average, self._inner_optimiser, self._progress)
            self._folder.note(step=self._progress.step, best=self._progress.best)
            if self._progress.step:
                with self._averaged():
                    self._save_weights(LAST)
        self._accelerator.wait_for_everyone()

    def _keep(self) -> None:
        every = self._recipe.saving.keep_every
        if every is not None and self._progress.step % every == 0:
            with self._averaged():
                self._save_weights(f"step-{self._progress.step:06d}.safetensors")

    def _save_weights(self, name: str) -> None:
        if self._accelerator.is_main_process:
            extra = {"step": str(self._progress.step)}
            model = self._recipe.model
            save_model(self._model, self._folder.path / name, model.preset, model.options, extra)

    def _averaged(self) -> Any:
        return nullcontext() if self._average is None else self._average.applied_to(self._model)


def seed_all(seed: int, number: int) -> None:
    """Seed every generator that a model may use for the pass of one batch."""
    mixed = random.Random(f"{seed} pass {number}").getrandbits(32)
    torch.manual_seed(mixed)
    random.seed(mixed)
    np.random.seed(mixed)
