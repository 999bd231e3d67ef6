"""The learning rate over time, as a factor on its peak: a function of the step and of nothing else."""

from __future__ import annotations

import math

from openvss.training.recipe.schema import Schedule


def factor(settings: Schedule, step: int) -> float:
    """For step 0, 1, ..., steps - 1: a linear rise, then the fall, which would reach the floor at `steps`."""
    if step < settings.warmup:
        start = settings.warmup_start
        rise = start + (1 - start) * step / settings.warmup
        # Like the papers' schedules, the rise ends where the fall has got to by then.
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
