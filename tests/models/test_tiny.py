import numpy as np
import pytest

from openvss import load
from openvss.models.base import VideoModel
from openvss.models.tiny import Tiny
from tests.models.golden import scene
from tests.models.suite import VideoModelSuite


class TestTiny(VideoModelSuite):
    def build(self) -> VideoModel:
        return Tiny()


def test_the_bundled_weights_have_not_drifted() -> None:
    """Golden numbers of the shipped model; they change with the weights, and with nothing else."""
    segmenter = load("tiny", "sky, grass, tree, person, car", device="cpu")
    labels = segmenter.step(scene())
    np.testing.assert_allclose(labels.shares()[:3], [0.7575, 0.2074, 0.0173], atol=0.005)
    assert labels.confidence.mean() == pytest.approx(0.6456, abs=0.003)
    assert labels.labels[32, 64] == 2
    assert segmenter.state.last is not None
    dense = segmenter.state.last[0]["dense"][0]
    assert dense.shape == (384, 40, 52)
    np.testing.assert_allclose(dense[:4, 0, 0], [0.0062, 0.0306, -0.0737, -0.0141], atol=1e-3)
    np.testing.assert_allclose(dense[:4, -1, 0], [0.0667, 0.0414, -0.1195, -0.1068], atol=1e-3)
