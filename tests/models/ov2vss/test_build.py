import pytest
import torch

from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.ov2vss.model import build
from openvss.models.ov2vss.presets import OV2VSSOptions
from openvss.models.registry import build_model
from tests.models.ov2vss.stand_ins import SMALL
from tests.models.suite import VideoModelSuite

NANO = {**SMALL, "pair": "clip-nano", "templates": "plain"}


class TestMiT(VideoModelSuite):
    def build(self) -> VideoModel:
        return build_model("ov2vss-mit-b2", {**NANO, "backbone": "mit-nano"})


class TestResNet(VideoModelSuite):
    def build(self) -> VideoModel:
        return build_model("ov2vss-r101", {**NANO, "backbone": "resnet-nano"})


class TestViT(VideoModelSuite):
    def build(self) -> VideoModel:
        return build_model("ov2vss-vit-b", {**NANO, "backbone": "vit-nano"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"references": [3, 6, 9]}, "farthest first"),
        ({"references": []}, "farthest first"),
        ({"references": [3, 0]}, "farthest first"),
        ({"channels": 20}, "multiple of 16"),
        ({"heads": 0}, "at least 1"),
        ({"heads": 16}, "24 numbers: heads must divide it"),
        ({"recurrent": True, "shared": False}, "recurrent mode"),
        ({"recurrent": True, "references": [3]}, "recurrent mode"),
        ({"alpha": 0}, "alpha of OV2VSS"),
        ({"affinity": "cosine"}, "affinity"),
        ({"depth": 3}, "no option 'depth'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_model("ov2vss-mit-b2", {**NANO, "backbone": "mit-nano", **options})


def test_a_pair_may_bring_the_backbone() -> None:
    options = OV2VSSOptions("pair", "tiny", channels=16, decoder="factorised", templates="plain")
    model = build(options).eval()
    frames = torch.rand(1, 3, 40, 56)
    features = model.encode(frames)
    assert features["dense"].shape == (1, 384, 5, 7)
    torch.testing.assert_close(features["dense"], model.pair.dense(frames), atol=1e-5, rtol=0)
    assert sum(name.startswith("u") for name in features) == 3
