"""Which parameters are trained, how fast, and with how much decay; all by patterns of names.

A pattern is a parameter's name or a module's, which means all parameters in it; `*` stands for anything:
`backbone`, `*.norm?`, `decoder.*.bias`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn

from openvss.errors import InputError
from openvss.training.recipe.schema import Optimiser


@dataclass(frozen=True, eq=False)
class Group:
    """Parameters that are treated alike.

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
    """Whether a pattern means a parameter."""
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")


def freeze(model: nn.Module, patterns: Iterable[str]) -> None:
    """Exclude parameters from training."""
    for pattern in patterns:
        for parameter in _found(model, pattern, "model.freeze").values():
            parameter.requires_grad_(False)


def train_mode(model: nn.Module) -> None:
    """Training mode, but for modules whose parameters are all frozen: no dropout, statistics as they are."""
    model.train()
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def groups_of(model: nn.Module, settings: Optimiser) -> list[Group]:
    """The trainable parameters in groups; vectors and scalars are norms and biases."""
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
