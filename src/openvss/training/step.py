"""One step of the optimiser, on one process or many.

Nothing random has a memory: a batch is a function of its number, and every forward pass is seeded by the seed
and the batch's number. So a resumed run repeats an uninterrupted one bit for bit, and two processes do what
one does with twice the accumulation.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from openvss.training import safety, schedule
from openvss.training.data.batches import Learnable
from openvss.training.groups import Group, train_mode
from openvss.training.recipe.schema import Recipe


class Stepper:
    """Takes steps.

    Args:
        recipe: How.
        accelerator: On which devices.
        work: From a batch to the terms of the loss; holds the model.
        groups: What is trained.
        folder: For batches that something was wrong with.

    Attributes:
        optimiser: With its own state, whatever accelerate has made of it.
        waited: Seconds spent waiting for batches.
    """

    def __init__(
        self,
        recipe: Recipe,
        accelerator: Accelerator,
        work: nn.Module,
        groups: list[Group],
        folder: Path,
    ) -> None:
        self._recipe, self._accelerator, self._work = recipe, accelerator, work
        self._folder = folder
        self.optimiser = torch.optim.AdamW(
            [
                {"params": list(g.parameters), "lr": g.lr, "weight_decay": g.weight_decay, "peak": g.lr}
                for g in groups
            ],
            betas=recipe.optimiser.betas,
        )
        self._prepared_work, self._prepared_optimiser = accelerator.prepare(work, self.optimiser)
        self._trained = [parameter for group in groups for parameter in group.parameters]
        self.waited = 0.0

    def take(
        self, step: int, batches: Iterator[Learnable], stop: safety.StopRequest
    ) -> tuple[dict[str, float], bool]:
        """Step number `step`, from 0; the means of the loss's terms, and whether to stop after it."""
        if not all(part.training for part in (self._work, *self._work.children())):
            train_mode(self._work)  # after a validation
        factor = schedule.factor(self._recipe.schedule, step)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        taken: list[Learnable] = []
        terms: list[dict[str, Tensor]] = []
        for turn in range(self._recipe.data.accumulate):
            before = time.monotonic()
            batch = next(batches)
            self.waited += time.monotonic() - before
            taken.append(batch)
            last = turn == self._recipe.data.accumulate - 1
            apart = nullcontext() if last else self._accelerator.no_sync(self._prepared_work)
            with apart, safety.memory_advice(self._recipe, step + 1, batch):
                terms.append(self._forward_and_back(batch))
        most = self._recipe.optimiser.clip_norm or math.inf
        norm = self._accelerator.clip_grad_norm_(self._trained, most)
        means, stopping = self._agree(step, terms, norm, stop, taken)
        self._prepared_optimiser.step()
        self._prepared_optimiser.zero_grad()
        return means, stopping

    def _forward_and_back(self, batch: Learnable) -> dict[str, Tensor]:
        """The gradients of a step's batches add up to their mean."""
        seed_all(self._recipe.seed, batch.number)
        terms = self._prepared_work(batch.to(self._accelerator.device))
        total = torch.stack(list(terms.values())).sum()
        self._accelerator.backward(total / self._recipe.data.accumulate)
        return {"loss": total.detach(), **{k: v.detach() for k, v in terms.items() if k != "loss"}}

    def _agree(
        self,
        step: int,
        terms: list[dict[str, Tensor]],
        norm: Tensor,
        stop: safety.StopRequest,
        taken: list[Learnable],
    ) -> tuple[dict[str, float], bool]:
        """The means over all processes, once it is sure that they are numbers; and whether any is to stop."""
        names = list(terms[0])
        table = torch.stack([torch.stack([one[name] for name in names]) for one in terms])
        # everything in one transfer: the host waits for the device once a step
        *found, own_norm = torch.cat([table.flatten(), norm.detach().reshape(1)]).cpu().double().tolist()
        table = torch.tensor(found, dtype=torch.float64).view(len(terms), len(names))
        values = torch.tensor([*table.mean(0).tolist(), own_norm, float(stop.made)], dtype=torch.float64)
        if self._accelerator.num_processes > 1:
            reduced = self._accelerator.reduce(values.to(self._accelerator.device), "mean")
            values = cast("Tensor", reduced).cpu()
        *means, mean_norm, stopping = values.tolist()
        finite = np.isfinite(means).all()
        # In fp16 gradients overflow now and then, and the step is skipped.
        if not finite or not (math.isfinite(mean_norm) or self._recipe.precision == "fp16"):
            good = table.isfinite().all(1).tolist()
            bad = [batch for batch, is_good in zip(taken, good, strict=True) if not is_good]
            what, rank = "gradient" if finite else "loss", self._accelerator.process_index
            raise safety.report_not_finite(self._folder, step + 1, bad or taken, what, rank)
        return {**dict(zip(names, means, strict=True)), "grad_norm": mean_norm}, stopping > 0


def seed_all(seed: int, number: int) -> None:
    """Seed every generator that a model may use for the pass of one batch."""
    mixed = random.Random(f"{seed} pass {number}").getrandbits(32)
    torch.manual_seed(mixed)
    random.seed(mixed)
    np.random.seed(mixed)
