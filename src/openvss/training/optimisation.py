"""How parameters change: which are trained, how fast, with how much decay, and the average of their values.

A pattern is the name of a parameter or of a module, which stands for all parameters in it; `*` matches
anything: `backbone`, `*.norm?`, `decoder.*.bias`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from openvss.errors import InputError
from openvss.training.recipe.schema import Optimiser, Schedule


@dataclass(frozen=True, eq=False)
class Group:
    """Parameters with the same rate and decay.

    Attributes:
        names: Of its parameters.
        parameters: In the order of the names.
        lr: Peak learning rate.
        weight_decay: Of AdamW.
    """

    names: tuple[str, ...]
    parameters: tuple[nn.Parameter, ...]
    lr: float
    weight_decay: float


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern matches the name of a parameter."""
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")


def freeze(model: nn.Module, patterns: Iterable[str]) -> None:
    """Exclude parameters from training."""
    for pattern in patterns:
        for parameter in _found(model, pattern, "model.freeze").values():
            parameter.requires_grad_(False)


def train_mode(model: nn.Module) -> None:
    """Training mode, except for modules whose parameters are all frozen: no dropout, fixed statistics."""
    model.train()
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def groups_of(model: nn.Module, settings: Optimiser) -> list[Group]:
    """The trainable parameters in groups; vectors and scalars count as norms and biases."""
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not trained:
        raise InputError("Every parameter is frozen, so there is nothing to train: correct model.freeze.")
    factors = dict.fromkeys(trained, 1.0)
    for pattern, factor in settings.rates.items():
        factors |= dict.fromkeys(_found(model, pattern, "optimiser.rates").keys() & factors.keys(), factor)
    decaying = {name for name, parameter in trained.items() if parameter.ndim > 1}
    decaying |= {name for p in settings.decay for name in _found(model, p, "optimiser.decay")}
    decaying -= {name for p in settings.no_decay for name in _found(model, p, "optimiser.no_decay")}
    table: dict[tuple[float, float], list[str]] = {}
    for name in trained:
        decay = settings.weight_decay if name in decaying else 0.0
        table.setdefault((settings.lr * factors[name], decay), []).append(name)
    return [
        Group(tuple(names), tuple(trained[name] for name in names), lr, decay)
        for (lr, decay), names in sorted(table.items())
    ]


def _found(model: nn.Module, pattern: str, key: str) -> dict[str, nn.Parameter]:
    found = {name: p for name, p in model.named_parameters() if matches(name, pattern)}
    if not found:
        parts = ", ".join(name for name, _ in model.named_children())
        raise InputError(
            f"The pattern {pattern!r} of {key} matches no parameter: the model's parts are {parts}."
        )
    return found


def rate_factor(settings: Schedule, step: int) -> float:
    """The learning rate of step 0, 1, ..., steps - 1 as a factor on its peak, a function of the step alone.

    A linear rise, then the fall, which would reach the floor at `steps`.
    """
    if step < settings.warmup:
        start = settings.warmup_start
        rise = start + (1 - start) * step / settings.warmup
        # As in the papers' schedules, the rise meets the fall, which began at step 0.
        return rise * _fall(settings, step)
    return _fall(settings, step)


def _fall(settings: Schedule, step: int) -> float:
    done = step / settings.steps
    shape = {
        "poly": (1 - done) ** settings.power,
        "cosine": 0.5 * (1 + math.cos(math.pi * done)),
        "constant": 1.0,
    }[settings.shape]
    return settings.floor + (1 - settings.floor) * shape


class Average:
    """A moving average of the trained parameters, smoother than the last ones; it is what is scored and kept.

    Buffers are the latest, and frozen parts are unchanged.

    Attributes:
        values: By parameter name.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.values = {name: parameter.detach().clone() for name, parameter in self._trained.items()}

    def update(self, step: int) -> None:
        """Take in the weights after a step; early ones are forgotten faster."""
        decay = min(self._decay, (1 + step) / (10 + step))
        get_ema_multi_avg_fn(decay)(list(self.values.values()), list(self._trained.values()), step)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model has the averaged weights inside, and its own again afterwards."""
        own = {name: parameter.detach().clone() for name, parameter in self._trained.items()}
        _fill(self._trained, self.values)
        try:
            yield
        finally:
            _fill(self._trained, own)


@torch.no_grad()
def _fill(parameters: dict[str, nn.Parameter], values: dict[str, Tensor]) -> None:
    for name, value in values.items():
        parameters[name].copy_(value)
