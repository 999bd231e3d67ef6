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

from openvss.models.base import VideoContext, VideoModel
from openvss.models.words import Words
from openvss.training import safety, schedule
from openvss.training.batches import Batch
from openvss.training.groups import Group, train_mode
from openvss.training.recipe import Recipe
from openvss.training.word_weights import word_weights
from openvss.words.vocabulary import Vocabulary


class Pass(nn.Module):
    """One forward pass with its loss, as one module, so that all of it is what accelerate prepares."""

    def __init__(self, model: VideoModel, *, literal: bool) -> None:
        super().__init__()
        self.model = model
        self.literal = literal

    def forward(
        self,
        frames: Tensor,
        words: Words,
        context: Tensor | VideoContext | None,
        labels: Tensor,
        weights: Tensor | None,
    ) -> dict[str, Tensor]:
        """The terms of the loss; `weights` are those of the words, None if all count alike."""
        output = self.model(frames, words, context)
        if weights is None:
            return self.model.loss(output, labels)
        if self.literal:
            return VideoModel.weighted_loss(self.model, output, labels, weights)
        return self.model.weighted_loss(output, labels, weights)


class Stepper:
    """Takes steps.

    Attributes:
        optimiser: With its own state, whatever accelerate has made of it.
        waited: Seconds spent waiting for batches.
    """

    def __init__(
        self,
        recipe: Recipe,
        accelerator: Accelerator,
        model: VideoModel,
        groups: list[Group],
        vocabulary: Vocabulary,
        folder: Path,
    ) -> None:
        self._recipe, self._accelerator, self._model = recipe, accelerator, model
        self._folder = folder
        self.optimiser = torch.optim.AdamW(
            [
                {"params": list(g.parameters), "lr": g.lr, "weight_decay": g.weight_decay, "peak": g.lr}
                for g in groups
            ],
            betas=recipe.optimiser.betas,
        )
        # Prepared first: that moves the model to its device, where the embeddings follow.
        self._pass, self._prepared = accelerator.prepare(
            Pass(model, literal=recipe.words.literal), self.optimiser
        )
        self._trained = [parameter for group in groups for parameter in group.parameters]
        self._words = model.words(vocabulary)
        self._weights = word_weights(recipe.words, vocabulary)
        self.waited = 0.0

    def take(
        self, step: int, batches: Iterator[Batch], stop: safety.StopRequest
    ) -> tuple[dict[str, float], bool]:
        """Step number `step`, from 0; the means of the loss's terms, and whether to stop after it."""
        train_mode(self._model)
        factor = schedule.factor(self._recipe.schedule, step)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        taken: list[Batch] = []
        terms: list[dict[str, Tensor]] = []
        for turn in range(self._recipe.data.accumulate):
            before = time.monotonic()
            batch = next(batches)
            self.waited += time.monotonic() - before
            taken.append(batch)
            last = turn == self._recipe.data.accumulate - 1
            apart = nullcontext() if last else self._accelerator.no_sync(self._pass)
            with apart, safety.memory_advice(self._recipe, step + 1, batch):
                terms.append(self._forward_and_back(batch))
        most = self._recipe.optimiser.clip_norm or math.inf
        norm = self._accelerator.clip_grad_norm_(self._trained, most)
        means, stopping = self._agree(step, terms, norm, stop, taken)
        self._prepared.step()
        self._prepared.zero_grad()
        return means, stopping

    def _forward_and_back(self, batch: Batch) -> dict[str, Tensor]:
        """The gradients of a step's batches add up to their mean."""
        device = self._accelerator.device
        seed_all(self._recipe.seed, batch.number)
        ids = list(batch.words)
        words = Words(tuple(self._words.names[i] for i in ids), self._words.embeddings[ids])
        context = batch.context
        if isinstance(context, dict):
            context = {name: value.to(device) for name, value in context.items()}
        elif context is not None:
            context = context.to(device)
        weights = None if self._weights is None else self._weights[ids].to(device)
        terms = self._pass(batch.frames.to(device), words, context, batch.labels.to(device), weights)
        total = torch.stack(list(terms.values())).sum()
        self._accelerator.backward(total / self._recipe.data.accumulate)
        return {"loss": total.detach(), **{k: v.detach() for k, v in terms.items() if k != "loss"}}

    def _agree(
        self,
        step: int,
        terms: list[dict[str, Tensor]],
        norm: Tensor,
        stop: safety.StopRequest,
        taken: list[Batch],
    ) -> tuple[dict[str, float], bool]:
        """The means over all processes, once it is sure that they are numbers; and whether any is to stop."""
        names = list(terms[0])
        table = torch.stack([torch.stack([one[name].double() for name in names]) for one in terms])
        mine = [*table.mean(0).tolist(), float(norm), float(stop.made)]
        values = torch.tensor(mine, dtype=torch.float64)
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
