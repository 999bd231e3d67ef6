"""One step of the optimiser, on one process or many: from batches to the loss, its gradients and new weights.

No random generator carries state from step to step: a batch is a function of its number, and every forward
pass is seeded by the seed and the batch's number. So a resumed run repeats an uninterrupted one bit for bit,
and two processes do what one does with twice the accumulation.
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

from openvss.errors import InputError
from openvss.models.base import IGNORE, VideoModel
from openvss.models.words import WordEmbeddings
from openvss.training import safety
from openvss.training.data.batches import Batch, Learnable
from openvss.training.optimisation import Group, rate_factor, train_mode
from openvss.training.recipe.schema import Recipe, WordChoice
from openvss.words.overlap import known_words
from openvss.words.vocabulary import Vocabulary


class Stepper:
    """Takes steps of the optimiser.

    Args:
        recipe: Settings of the steps.
        accelerator: Devices and processes.
        work: Maps a batch to the terms of the loss, such as `Pass`; holds the model.
        groups: What is trained.
        folder: Where batches are saved whose loss or gradient is not finite.

    Attributes:
        optimiser: Itself, not the wrapper that accelerate makes of it.
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
        """Take step `step`, counted from 0; returns the means of the loss's terms, and whether to stop."""
        if not all(part.training for part in (self._work, *self._work.children())):
            train_mode(self._work)  # after a validation
        factor = rate_factor(self._recipe.schedule, step)
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
        """The means over all processes, checked to be finite; and whether any process is to stop."""
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
        # In fp16, gradients overflow now and then, and the step is skipped.
        if not finite or not (math.isfinite(mean_norm) or self._recipe.precision == "fp16"):
            good = table.isfinite().all(1).tolist()
            bad = [batch for batch, is_good in zip(taken, good, strict=True) if not is_good]
            what, rank = "gradient" if finite else "loss", self._accelerator.process_index
            raise safety.report_not_finite(self._folder, step + 1, bad or taken, what, rank)
        return {**dict(zip(names, means, strict=True)), "grad_norm": mean_norm}, stopping > 0


def seed_all(seed: int, number: int) -> None:
    """Seed every generator that a model may use in the pass of one batch."""
    mixed = random.Random(f"{seed} pass {number}").getrandbits(32)
    torch.manual_seed(mixed)
    random.seed(mixed)
    np.random.seed(mixed)


class Pass(nn.Module):
    """From a batch of clips to the terms of the loss, as one module: accelerate prepares all of it."""

    def __init__(self, model: VideoModel, vocabulary: Vocabulary, choice: WordChoice) -> None:
        super().__init__()
        self.model = model
        self._vocabulary, self._balance = vocabulary, choice.balance
        if self._balance and model.independent_words:
            raise InputError(
                "words.balance needs a model with mutually exclusive words, and this model decides each word "
                "by itself: set it to 0."
            )
        self._weights = word_weights(choice, vocabulary)
        self._words: WordEmbeddings | None = None

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The terms, to be added up."""
        if self._words is None:  # not before the model is on its device
            self._words = self.model.embed(self._vocabulary)
        ids = list(batch.words)
        words = WordEmbeddings(tuple(self._words.names[i] for i in ids), self._words.embeddings[ids])
        output = self.model(batch.frames, words, batch.context)
        return self.model.loss(output, batch.labels, self._weights_of(ids, batch.labels))

    def _weights_of(self, ids: list[int], labels: Tensor) -> Tensor | None:
        weights = None if self._weights is None else self._weights[ids].to(labels.device)
        if self._balance:
            balancing = balancing_weights(labels, len(ids), self._balance)
            weights = balancing if weights is None else weights * balancing
        return weights


def word_weights(choice: WordChoice, vocabulary: Vocabulary) -> Tensor | None:
    """w_c of Eq. 6 of STSeg, (N,): alpha for words of an earlier stage, else 1 - alpha; None if equal."""
    if choice.seen is None:
        return None
    seen = torch.tensor(known_words(vocabulary, Vocabulary.parse(choice.seen)))
    return torch.where(seen, choice.alpha, 1 - choice.alpha)


def balancing_weights(labels: Tensor, n_words: int, power: float) -> Tensor:
    """(N,): n^-power for a word with n labelled pixels, scaled so that labelled pixels weigh 1 on average."""
    counts = torch.bincount(labels[labels != IGNORE].flatten(), minlength=n_words).float()
    weights = torch.where(counts > 0, counts.clamp(min=1) ** -power, 0.0)
    return weights * counts.sum() / (weights * counts).sum().clamp(min=1)
