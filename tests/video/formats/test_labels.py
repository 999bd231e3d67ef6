from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from openvss.video.formats.contract import OutputPlan, SourceInfo
from openvss.video.formats.labels import LabelVideo
from openvss.video.formats.style import OverlayStyle
from tests.video.formats.samples import NTSC, WORDS, classes, items, words


@pytest.mark.parametrize(("names", "pixels"), [(WORDS, "gray"), (words(300), "gray16le")])
def test_the_video_decodes_to_the_labels(tmp_path: Path, names: tuple[str, ...], pixels: str) -> None:
    times = [Fraction(3, 2) + gap for gap in (Fraction(0), Fraction(1, 30), Fraction(1, 3), Fraction(1, 2))]
    made = items(4, (33, 35), names, times=times)
    writer = LabelVideo(OutputPlan(tmp_path, classes(names), SourceInfo((33, 35), NTSC), OverlayStyle()))
    for item in made:
        writer.add(item)
    writer.finish()
    with av.open(str(tmp_path / "labels.mkv")) as file:
        assert file.streams.video[0].codec_context.name == "ffv1"
        frames = list(file.decode(video=0))
    for item, frame in zip(made, frames, strict=True):
        assert frame.format.name == pixels
        assert np.array_equal(frame.to_ndarray(), item.labels.labels)
        assert frame.pts is not None
        assert frame.time_base is not None
        assert abs(frame.pts * frame.time_base - item.frame.time) <= Fraction(1, 2000)
