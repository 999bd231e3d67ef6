from openvss.models.base import VideoModel
from tests.models.suite import VideoModelSuite
from tests.models.two_frame import TwoFrame


class TestTwoFrame(VideoModelSuite):
    def build(self) -> VideoModel:
        return TwoFrame()
