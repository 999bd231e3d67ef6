"""The bundled model: OV2VSS on a small image encoder whose every position speaks the text's language."""

from __future__ import annotations

from collections.abc import Sequence

from openvss.models.base import FrameFeatures, Fused, Memory, VideoContext
from openvss.models.encoders.tiny import TinyPair
from openvss.models.layers.smoothing import smooth
from openvss.models.ov2vss.model import OV2VSS
from openvss.models.ov2vss.options import Options
from openvss.models.words import TextEncoder

TEMPLATES = ("{}", "a photo of a {}", "a picture of the {}")
SIZE = 320
CHANNELS = 64
REGIONS = 32
SMOOTHING = 0.7
FLOOR = 0.7  # cosine of then and now below which the past does not count


def build(smoothing: float = SMOOTHING, channels: int = CHANNELS, regions: int = REGIONS) -> Tiny:
    """The model without weights; the options are those of `Tiny`."""
    return Tiny(smoothing=smoothing, channels=channels, regions=regions)


class Tiny(OV2VSS):
    """OV2VSS with the factorised decoder on `TinyPair`, whose backbone it shares.

    After the paper's modules the dense vectors are averaged over time where a video stands still.

    Args:
        text: Replaces MiniLM.
        smoothing: Weight of the past, 0..1, where nothing moves; 0 averages nothing.
        channels: Width of the video's part.
        regions: Soft regions of the distant frame.
    """

    pair: TinyPair
    size = SIZE
    edge_aware = True

    def __init__(
        self,
        text: TextEncoder | None = None,
        smoothing: float = SMOOTHING,
        channels: int = CHANNELS,
        regions: int = REGIONS,
    ) -> None:
        options = Options(
            channels=channels,
            heads=4,
            regions=regions,
            decoder="factorised",
            pair_pixels=None,
            look_stride=4,
            beta=0.2,
        )
        super().__init__(None, TinyPair(text), options)
        self.templates = TEMPLATES
        self.smoothing = smoothing
        self.recurrent = smoothing > 0

    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None = None,
        memory: Memory | None = None,
    ) -> tuple[Fused, Memory | None]:
        fused, _ = super().fuse(target, references, context)
        if not self.recurrent:
            return fused, None
        past = None if memory is None else memory["embedding"]
        fused["embedding"] = smooth(fused["embedding"], past, self.smoothing, FLOOR)
        return fused, {"embedding": fused["embedding"]}
