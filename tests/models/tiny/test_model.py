import numpy as np
import pytest
import torch

from openvss import load
from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.encoders.tiny import TinyPair
from openvss.models.tiny.model import START, Tiny
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
    target = model.encode(torch.rand(1, 3, 40, 56))
    now = target["dense"]
    first, memory = model.fuse(target, ())
    resized, _ = model.fuse(target, (), memory={"dense": now[..., :6]})
    still = model._look_again(now, target)
    for _ in range(START):
        still = model.fuse({"dense": still}, (), memory={"dense": still})[0]["dense"]
    assert memory is not None
    assert torch.equal(first["dense"], still)
    assert torch.equal(resized["dense"], still)
    assert not torch.equal(still, now)
    trained, _ = model.train().fuse(target, ())
    assert torch.equal(trained["dense"], now)


def test_a_first_frame_is_seen_smaller_too(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Tiny(LetterText()).eval()
    sizes = []

    def dense(frames: torch.Tensor) -> torch.Tensor:
        """Whatever is large is one thing, whatever is small another."""
        height, width = frames.shape[-2:]
        sizes.append((height, width))
        vectors = torch.zeros(1, 16, -(-height // 8), -(-width // 8))
        vectors[:, int(height < 64)] = 1
        return vectors

    monkeypatch.setattr(model.pair, "dense", dense)
    frames = torch.rand(1, 3, 64, 90)
    first, memory = model.fuse(model.encode(frames), ())
    assert sizes == [(64, 90), (32, 64)]
    assert first["dense"].shape == (1, 16, 8, 12)
    expected = torch.tensor([2.0, 1.0]) / 5**0.5
    torch.testing.assert_close(first["dense"][0, :2], expected[:, None, None].expand(2, 8, 12))
    model.fuse(model.encode(frames), (), memory=memory)
    assert len(sizes) == 3, "later frames are seen once"


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, float("nan")])
def test_impossible_weights_of_the_past(smoothing: float) -> None:
    with pytest.raises(InputError, match="smoothing must be at least 0"):
        Tiny(LetterText(), smoothing)


def test_the_bundled_weights_have_not_drifted() -> None:
    """Golden numbers of the shipped model; they change with the weights and the memory."""
    segmenter = load("tiny", "sky, wall, car, person, dog", device="cpu")
    labels = segmenter.step(scene())
    np.testing.assert_allclose(labels.shares()[:4], [0.2194, 0.7806, 0.0, 0.0], atol=0.005)
    assert labels.confidence.mean() == pytest.approx(0.9324, abs=0.003)
    assert (labels.labels[8, 64], labels.labels[80, 64]) == (0, 1)
    assert segmenter.state.last is not None
    dense = segmenter.state.last[0]["dense"][0]
    assert dense.shape == (384, 40, 52)
    np.testing.assert_allclose(dense[:4, 0, 0], [0.0525, 0.0002, -0.0647, 0.0365], atol=1e-3)
    np.testing.assert_allclose(dense[:4, -1, 0], [0.0917, -0.0083, -0.0885, -0.0310], atol=1e-3)
