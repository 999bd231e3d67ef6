import numpy as np
import pytest
import torch

from openvss import load
from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.encoders.tiny import TinyPair
from openvss.models.tiny import START, Tiny
from tests.models.golden import scene
from tests.models.suite import VideoModelSuite
from tests.models.two_frame import LetterText


class TestTiny(VideoModelSuite):
    """Frame by frame: what is carried along a video is no part of a clip."""

    def build(self) -> VideoModel:
        return Tiny(smoothing=0)


def test_smoothed_videos_resume_exactly() -> None:
    torch.manual_seed(0)
    VideoModelSuite().test_skipping_finished_frames_changes_nothing(Tiny(LetterText()).eval(), 6)


def test_what_stands_still_is_averaged_and_what_changed_is_not() -> None:
    model = Tiny(LetterText(), smoothing=0.5).eval()
    now, before = torch.zeros(1, 16, 1, 2), torch.zeros(1, 16, 1, 2)
    now[0, 0], before[0, 0, 0, 0] = 1.0, 1.0
    before[0, 1, 0, 1] = 1.0  # the right position saw something else
    now[0, :2, 0, 0] = torch.tensor([0.96, 0.28])
    fused, memory = model.fuse({"dense": now}, (), memory={"dense": before})
    assert memory is not None
    assert torch.equal(fused["dense"], memory["dense"])
    torch.testing.assert_close(fused["dense"][..., 1], now[..., 1])
    assert 0.96 < float(fused["dense"][0, 0, 0, 0]) < 1.0
    alone, memory = Tiny(LetterText(), smoothing=0).fuse({"dense": now}, (), memory={"dense": before})
    assert memory is None
    assert torch.equal(alone["dense"], now)


def test_it_can_be_adapted() -> None:
    """Its pair is frozen inside other models; here it is the model."""
    assert all(p.requires_grad for p in Tiny(LetterText()).parameters())
    assert not any(p.requires_grad for p in TinyPair(LetterText()).parameters())


def test_a_still_is_its_own_past() -> None:
    """At the start, and where frames come in another size, what looks alike nearby is averaged."""
    torch.manual_seed(0)
    model = Tiny(LetterText()).eval()
    now = torch.nn.functional.normalize(torch.randn(1, 16, 5, 7), dim=1)
    first, memory = model.fuse({"dense": now}, ())
    resized, _ = model.fuse({"dense": now}, (), memory={"dense": now[..., :6]})
    still = now
    for _ in range(START):
        still = model.fuse({"dense": still}, (), memory={"dense": still})[0]["dense"]
    assert memory is not None
    assert torch.equal(first["dense"], still)
    assert torch.equal(resized["dense"], still)
    assert not torch.equal(still, now)
    trained, _ = model.train().fuse({"dense": now}, ())
    assert torch.equal(trained["dense"], now)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, float("nan")])
def test_impossible_weights_of_the_past(smoothing: float) -> None:
    with pytest.raises(InputError, match="smoothing is the weight of the past"):
        Tiny(LetterText(), smoothing)


def test_the_bundled_weights_have_not_drifted() -> None:
    """Golden numbers of the shipped model; they change with the weights and the memory."""
    segmenter = load("tiny", "sky, wall, car, person, dog", device="cpu")
    labels = segmenter.step(scene())
    np.testing.assert_allclose(labels.shares()[:4], [0.5063, 0.4937, 0.0, 0.0], atol=0.005)
    assert labels.confidence.mean() == pytest.approx(0.8481, abs=0.003)
    assert (labels.labels[8, 64], labels.labels[80, 64]) == (0, 1)
    assert segmenter.state.last is not None
    dense = segmenter.state.last[0]["dense"][0]
    assert dense.shape == (384, 40, 52)
    np.testing.assert_allclose(dense[:4, 0, 0], [0.0031, -0.0142, -0.0754, 0.0252], atol=1e-3)
    np.testing.assert_allclose(dense[:4, -1, 0], [0.0639, -0.0042, -0.1186, -0.032], atol=1e-3)
