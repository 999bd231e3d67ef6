import numpy as np
import pytest
import torch

from openvss import load
from openvss.models.base import VideoModel
from openvss.models.ov2vss.factorised import SCALE
from openvss.models.ov2vss.model import OV2VSS
from openvss.models.tiny import Tiny
from openvss.words.vocabulary import Vocabulary
from tests.models.golden import scene
from tests.models.suite import VideoModelSuite
from tests.models.two_frame import LetterText


class TestTiny(VideoModelSuite):
    """Without the average over time: what is carried along a video is no part of a clip."""

    def build(self) -> VideoModel:
        return Tiny(smoothing=0, channels=16, regions=4)


def test_smoothed_videos_resume_exactly() -> None:
    torch.manual_seed(0)
    VideoModelSuite().test_skipping_finished_frames_changes_nothing(Tiny(LetterText(), channels=16).eval(), 6)


def test_what_stands_still_is_averaged_and_what_changed_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now, before = torch.zeros(1, 16, 1, 2), torch.zeros(1, 16, 1, 2)
    now[0, 0], before[0, 0, 0, 0] = 1.0, 1.0
    before[0, 1, 0, 1] = 1.0  # the right position saw something else
    now[0, :2, 0, 0] = torch.tensor([0.96, 0.28])
    monkeypatch.setattr(OV2VSS, "fuse", lambda *arguments: ({"embedding": now}, None))
    model = Tiny(LetterText(), smoothing=0.5, channels=16).eval()
    fused, memory = model.fuse({}, (), memory={"embedding": before})
    assert memory is not None
    assert torch.equal(fused["embedding"], memory["embedding"])
    torch.testing.assert_close(fused["embedding"][..., 1], now[..., 1])
    assert 0.96 < float(fused["embedding"][0, 0, 0, 0]) < 1.0
    alone, memory = Tiny(LetterText(), smoothing=0, channels=16).fuse({}, (), memory={"embedding": before})
    assert memory is None
    assert torch.equal(alone["embedding"], now)


def test_untrained_video_part_changes_nothing() -> None:
    """The correction starts at zero: the labels are those of the pair."""
    torch.manual_seed(0)
    model = Tiny(LetterText(), channels=16).eval()
    words = model.words(Vocabulary.parse("sky, grass, tree"))
    frames = torch.rand(1, 4, 3, 64, 64)
    with torch.no_grad():
        logits = model(frames, words).logits
        cosine = torch.einsum("bdhw,nd->bnhw", model.pair.dense(frames[:, -1]), words.embeddings[:, 0])
    torch.testing.assert_close(logits, SCALE * cosine, rtol=1e-2, atol=2e-2)  # VTE starts at 1e-4


def test_the_bundled_weights_have_not_drifted() -> None:
    """Golden numbers of the shipped model; they change with the weights, and with nothing else."""
    segmenter = load("tiny", "sky, grass, tree, person, car", device="cpu")
    labels = segmenter.step(scene())
    np.testing.assert_allclose(labels.shares()[:3], [0.6688, 0.3246, 0.0002], atol=0.005)
    assert labels.confidence.mean() == pytest.approx(0.7252, abs=0.003)
    assert labels.labels[32, 64] == 1
    assert segmenter.state.last is not None
    dense = segmenter.state.last[0]["embedding"][0]
    assert dense.shape == (384, 40, 52)
    np.testing.assert_allclose(dense[:4, 0, 0], [-0.0077, 0.0000, -0.0662, -0.0613], atol=1e-3)
    np.testing.assert_allclose(dense[:4, -1, 0], [0.0527, -0.0123, -0.1256, -0.1212], atol=1e-3)
