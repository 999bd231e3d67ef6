"""SED and STSeg on the toy pair: they keep the contract, and all of them is trained at one rate."""

from __future__ import annotations

from typing import Any

import torch
from tests.models.suite import VideoModelSuite

from openvss.models.base import VideoModel
from openvss.models.registry import build_model
from openvss.training.adapt import lowered_rates

OPTIONS: dict[str, Any] = {"pair": "toy", "templates": "short", "square": None, "width": 32}


class TestToySTSeg(VideoModelSuite):
    """What stands in for the published system on two cores: finer strides, two stages."""

    def build(self) -> VideoModel:
        return build_model("stseg-b", OPTIONS | {"sam": "toy", "heads": 4})


def test_a_pair_without_published_weights_learns_at_the_full_rate() -> None:
    with torch.device("meta"):
        assert lowered_rates(build_model("sed-b", OPTIONS)) == {}
