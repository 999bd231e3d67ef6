from openvss.models.base import VideoModel
from openvss.models.tiny import Tiny
from tests.models.suite import VideoModelSuite


class TestTiny(VideoModelSuite):
    def build(self) -> VideoModel:
        return Tiny()
