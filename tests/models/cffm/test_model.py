from openvss.models.base import VideoModel
from openvss.models.cffm.model import CFFM
from openvss.models.segformer import SegFormer
from openvss.words.vocabulary import Vocabulary
from tests.models.cffm.small import Pyramid
from tests.models.suite import CLOSED_SET, VideoModelSuite
from tests.models.two_frame import LetterText


class TestSegFormer(VideoModelSuite):
    def build(self) -> VideoModel:
        return SegFormer(Pyramid(), Vocabulary.parse(CLOSED_SET), dim=16)


class TestCFFM(VideoModelSuite):
    def build(self) -> VideoModel:
        return CFFM(Pyramid(), Vocabulary.parse(CLOSED_SET), dim=16, layers=2, heads=2)


class TestWordCFFM(VideoModelSuite):
    def build(self) -> VideoModel:
        return CFFM(Pyramid(), LetterText(), dim=16, layers=1, heads=2)
