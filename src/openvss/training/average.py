"""The moving average of the weights: smoother than the last ones, and what is scored and kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Average:
    """An average of what is trained; buffers are the latest, frozen parts are as they are.

    Attributes:
        values: By parameter name.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.values = {name: parameter.detach().clone() for name, parameter in self._trained.items()}

    def update(self, step: int) -> None:
        """Take the weights after a step; early ones are forgotten faster."""
        decay = min(self._decay, (1 + step) / (10 + step))
        get_ema_multi_avg_fn(decay)(list(self.values.values()), list(self._trained.values()), step)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model with averaged weights, and as it was afterwards."""
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
