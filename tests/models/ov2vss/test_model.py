"""The whole model, in every form that the paper's tables name."""

from __future__ import annotations

from openvss.models.base import VideoModel
from tests.models.ov2vss.stand_ins import Pyramid, small
from tests.models.suite import VideoModelSuite


class TestPyramid(VideoModelSuite):
    """MiT and ResNet: strides 4 to 32."""

    def build(self) -> VideoModel:
        return small()


class TestPlain(VideoModelSuite):
    """Plain transformer: four maps of one stride."""

    def build(self) -> VideoModel:
        return small(Pyramid((8, 8, 8, 8), (16, 16, 16, 16)))


class TestThreeMaps(VideoModelSuite):
    """Lite0: strides 8 to 32; the pair's own backbone, and the factorised decoder."""

    def build(self) -> VideoModel:
        return small(shared_backbone=True, decoder="factorised")


class TestPaperMode(VideoModelSuite):
    def build(self) -> VideoModel:
        return small(paper_mode=True, affinity="softmax", aggregation="b1", shared=False)


class TestBaseline(VideoModelSuite):
    """Table III's first row."""

    def build(self) -> VideoModel:
        return small(stcf=False, rfe=False, vte=False)


class TestOneAnnotationAFrame(VideoModelSuite):
    def build(self) -> VideoModel:
        return small(supervise="clip", rfe=False, ffn=False, fuse="add", position="both")
