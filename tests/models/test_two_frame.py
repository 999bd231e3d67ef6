from collections.abc import Sequence

import torch

from openvss.models.base import FrameFeatures, Fused, Memory, VideoContext, VideoModel
from tests.models.suite import VideoModelSuite
from tests.models.two_frame import TwoFrame


class Recurrent(TwoFrame):
    """Carries a moving average of what it fused."""

    recurrent = True

    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None = None,
        memory: Memory | None = None,
    ) -> tuple[Fused, Memory | None]:
        fused, _ = super().fuse(target, references, context)
        if memory is not None:
            fused = {"x": 0.5 * fused["x"] + 0.5 * memory["x"]}
        return fused, fused


def test_recurrent_models_resume_exactly() -> None:
    torch.manual_seed(0)
    model = Recurrent()
    VideoModelSuite().test_skipping_finished_frames_changes_nothing(model, 6)


class TestTwoFrame(VideoModelSuite):
    def build(self) -> VideoModel:
        return TwoFrame()
