"""The command line with a small model that trains in seconds: `python -m tests.training.drive train ...`."""

from openvss import cli
from openvss.models.base import VideoModel
from openvss.models.builders import Builder
from openvss.models.registry import PRESETS, Preset
from tests.models.two_frame import TwoFrame

PRESET = "two-frame"


def build(references: tuple[int, ...] = TwoFrame.references) -> VideoModel:
    model: VideoModel = TwoFrame()
    model.references = references
    return model


def _builder() -> Builder:
    return build


PRESET_ENTRY = Preset(summary="for tests", pair="letters", builder=_builder)

if __name__ == "__main__":
    PRESETS[PRESET] = PRESET_ENTRY
    cli.main()
