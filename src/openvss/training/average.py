"""The moving average of the weights: smoother than the last ones, and what is scored and kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """An average of what is trained; buffers are the latest, frozen parts are as they are.

    Attributes:
        values: By parameter name.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self.values = {
            name: parameter.detach().clone()
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        }

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take the weights after a step; early ones are forgotten faster."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, parameter in model.named_parameters():
            if name in self.values:
                self.values[name].lerp_(parameter.detach(), 1 - decay)

    @contextmanager
    def applied_to(self, model: nn.Module) -> Iterator[None]:
        """The model with averaged weights, and as it was afterwards."""
        parameters = dict(model.named_parameters())
        own: dict[str, Tensor] = {name: parameters[name].detach().clone() for name in self.values}
        _fill(parameters, self.values)
        try:
            yield
        finally:
            _fill(parameters, own)


@torch.no_grad()
def _fill(parameters: dict[str, nn.Parameter], values: dict[str, Tensor]) -> None:
    for name, value in values.items():
        parameters[name].copy_(value)
