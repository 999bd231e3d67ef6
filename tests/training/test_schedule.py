"""The learning rate over time."""

from __future__ import annotations

import pytest

from openvss.training.recipe.schema import Schedule
from openvss.training.schedule import factor


def test_papers_schedule() -> None:
    """Poly 0.9 with 1,500 steps of warm-up from 1e-6, as mmcv computes it."""
    settings = Schedule(steps=10_000, warmup=1500, warmup_start=1e-6, power=0.9)
    for step in (0, 1, 700, 1499, 1500, 5000, 9999):
        regular = (1 - step / 10_000) ** 0.9
        expected = regular * (1 - (1 - step / 1500) * (1 - 1e-6)) if step < 1500 else regular
        assert factor(settings, step) == pytest.approx(expected, rel=1e-12)


def test_shapes() -> None:
    cosine = Schedule(steps=100, shape="cosine", floor=0.1)
    assert [factor(cosine, s) for s in (0, 50, 100)] == pytest.approx([1, 0.55, 0.1])
    assert factor(Schedule(steps=100, shape="constant"), 99) == 1
    assert factor(Schedule(steps=100), 75) == pytest.approx(0.25)
