"""Which parameters are trained, how fast and with how much decay; and the learning rate over time."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from openvss.errors import InputError
from openvss.training.optimisation import freeze, groups_of, rate_factor, train_mode
from openvss.training.recipe.schema import Optimiser, Schedule


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout())
        self.head = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
        self.table = nn.Parameter(torch.zeros(5, 4))


def table(net: nn.Module, settings: Optimiser) -> dict[str, tuple[float, float]]:
    return {name: (g.lr, g.weight_decay) for g in groups_of(net, settings) for name in g.names}


def test_rates_and_decay() -> None:
    rates = {"backbone": 0.1, "backbone.*.bias": 0.5, "*.1": 2.0}
    found = table(Net(), Optimiser(lr=1.0, weight_decay=0.3, rates=rates, no_decay=("table",)))
    assert found == {
        "backbone.0.weight": (0.1, 0.3),
        "backbone.0.bias": (0.5, 0.0),
        "backbone.1.weight": (2.0, 0.0),
        "backbone.1.bias": (2.0, 0.0),
        "head.0.weight": (1.0, 0.3),
        "head.0.bias": (1.0, 0.0),
        "head.1.weight": (2.0, 0.0),
        "head.1.bias": (2.0, 0.0),
        "table": (1.0, 0.0),
    }


def test_vectors_decay_where_that_is_wanted() -> None:
    settings = Optimiser(
        lr=1.0, weight_decay=0.3, decay=("*.bias", "head"), no_decay=("head.0.weight", "*.1")
    )
    decays = {name: decay for name, (_, decay) in table(Net(), settings).items()}
    wanted = ("backbone.0.weight", "backbone.0.bias", "head.0.bias", "table")
    assert decays == {name: 0.3 if name in wanted else 0.0 for name in decays}


def test_frozen_parts_stay_in_eval_mode() -> None:
    net = Net()
    freeze(net, ["backbone", "head.0"])
    train_mode(net)
    assert not any(module.training for module in net.backbone.modules())
    assert not net.head[0].training
    assert net.head.training
    assert net.head[1].training
    assert set(table(net, Optimiser(lr=1.0))) == {"head.1.weight", "head.1.bias", "table"}


def test_partly_frozen_modules_train() -> None:
    net = Net()
    freeze(net, ["backbone.0"])
    train_mode(net)
    assert net.backbone.training
    assert net.backbone[1].training
    assert net.backbone[2].training
    assert not net.backbone[0].training


@pytest.mark.parametrize("key", ["rates", "no_decay"])
def test_patterns_that_match_nothing(key: str) -> None:
    value = {"neck": 1.0} if key == "rates" else ("neck",)
    with pytest.raises(InputError, match=f"'neck' of optimiser.{key} matches no parameter.*backbone, head"):
        groups_of(Net(), Optimiser.model_validate({"lr": 1.0, key: value}))
    with pytest.raises(InputError, match=r"model\.freeze"):
        freeze(Net(), ["neck"])


def test_nothing_to_train() -> None:
    net = Net()
    freeze(net, ["*"])
    with pytest.raises(InputError, match="nothing to train"):
        groups_of(net, Optimiser(lr=1.0))


def test_papers_schedule() -> None:
    """Poly 0.9 with 1,500 steps of warm-up from 1e-6, as mmcv computes it."""
    settings = Schedule(steps=10_000, warmup=1500, warmup_start=1e-6, power=0.9)
    for step in (0, 1, 700, 1499, 1500, 5000, 9999):
        regular = (1 - step / 10_000) ** 0.9
        expected = regular * (1 - (1 - step / 1500) * (1 - 1e-6)) if step < 1500 else regular
        assert rate_factor(settings, step) == pytest.approx(expected, rel=1e-12)


def test_shapes() -> None:
    cosine = Schedule(steps=100, shape="cosine", floor=0.1)
    assert [rate_factor(cosine, s) for s in (0, 50, 100)] == pytest.approx([1, 0.55, 0.1])
    assert rate_factor(Schedule(steps=100, shape="constant"), 99) == 1
    assert rate_factor(Schedule(steps=100), 75) == pytest.approx(0.25)
