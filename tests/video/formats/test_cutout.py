from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openvss.video.formats.contract import OutputPlan, SourceInfo
from openvss.video.formats.cutout import CutoutPicture, CutoutWriter
from openvss.video.formats.style import OverlayStyle
from tests.video.formats.samples import WORDS, classes, items, words


@pytest.mark.parametrize("names", [WORDS, words(300)])
@pytest.mark.parametrize("rest", [None, 2])
def test_the_words_are_there_and_nothing_else(
    tmp_path: Path, names: tuple[str, ...], rest: int | None
) -> None:
    made = items(3, (33, 35), names)
    infos = [replace(info, rest=info.id == rest) for info in classes(names)]
    writer = CutoutWriter(OutputPlan(tmp_path, infos, SourceInfo((33, 35)), OverlayStyle()))
    for item in made:
        writer.add(item)
    writer.finish()
    assert sorted(path.name for path in (tmp_path / "cutout").iterdir()) == [
        f"00000{i}.png" for i in range(3)
    ]
    for item in made:
        with Image.open(tmp_path / "cutout" / f"{item.frame.index:06d}.png") as picture:
            assert picture.mode == "RGBA"
            pixels = np.asarray(picture)
        labels = item.labels.labels
        shown = (labels != item.labels.unlabelled) & (labels != (-1 if rest is None else rest))
        assert 0 < shown.sum() < shown.size
        assert np.array_equal(pixels[..., 3], shown * 255)
        assert np.array_equal(pixels[shown, :3], item.frame.pixels[shown])
        assert not pixels[~shown].any()


def test_an_image_gives_one_file(tmp_path: Path) -> None:
    item = items(1)[0]
    source = SourceInfo((48, 36), kind="image")
    CutoutPicture(OutputPlan(tmp_path, classes(), source, OverlayStyle())).add(item)
    assert [path.name for path in tmp_path.iterdir()] == ["cutout.png"]
    with Image.open(tmp_path / "cutout.png") as picture:
        alpha = np.asarray(picture)[..., 3]
    assert np.array_equal(alpha == 0, item.labels.labels == 255)
