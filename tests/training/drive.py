"""The command line with a small model that trains in seconds: `python -m tests.training.drive train ...`."""

from dataclasses import dataclass

from openvss import cli
from openvss.models.base import VideoModel
from openvss.models.preset import Preset
from openvss.models.registry import PRESETS
from tests.models.two_frame import TwoFrame

PRESET = "two-frame"


@dataclass(frozen=True)
class TwoFrameOptions:
    """What can be chosen."""

    references: tuple[int, ...] = TwoFrame.references


def build(options: TwoFrameOptions) -> VideoModel:
    model: VideoModel = TwoFrame()
    model.references = options.references
    return model


PRESET_ENTRY = Preset("for tests", pair="letters", options=TwoFrameOptions(), builder=build)

if __name__ == "__main__":
    PRESETS[PRESET] = PRESET_ENTRY
    cli.main()
