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
    np.testing.assert_allclose(labels.shares()[:3], [0.6688, 0.3246, 0.0002], atol=0.005)
    assert labels.confidence.mean() == pytest.approx(0.7252, abs=0.003)
    assert labels.labels[32, 64] == 1
    assert segmenter.state.last is not None
    dense = segmenter.state.last[0]["dense"][0]
    assert dense.shape == (384, 40, 52)
    np.testing.assert_allclose(dense[:4, 0, 0], [-0.0077, 0.0000, -0.0662, -0.0613], atol=1e-3)
    np.testing.assert_allclose(dense[:4, -1, 0], [0.0527, -0.0123, -0.1256, -0.1212], atol=1e-3)
