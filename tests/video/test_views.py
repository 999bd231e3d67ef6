"""Label maps on their own: saved, shown, handed on."""

from __future__ import annotations

import importlib
import io
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from openvss.errors import InputError, OutputError
from openvss.video.formats.masks import read_mask
from openvss.video.formats.style import OverlayStyle
from openvss.video.picture import Picture
from openvss.video.sinks import OutputFolder, SourceInfo
from tests.video.formats.samples import classes, items
from tests.video.runs import finished, made


def test_a_saved_mask_is_the_file_of_a_run(tmp_path: Path) -> None:
    files = finished(tmp_path / "run", ("png",))
    for item in made():
        item.labels.save(tmp_path / "mask.png")
        assert (tmp_path / "mask.png").read_bytes() == files[f"masks/{item.frame.index:06d}.png"]
    many = items(1, names=[f"word {i}" for i in range(300)])[0].labels
    many.save(str(tmp_path / "many.PNG"))
    assert np.array_equal(read_mask(tmp_path / "many.PNG"), many.labels)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.PNG", "mask.png", "run"]


def test_a_mask_that_cannot_be_saved_is_one_sentence(tmp_path: Path) -> None:
    labels = made(1)[0].labels
    for name in ("mask.jpg", "mask", ""):
        with pytest.raises(InputError, match=r"give a name that ends in \.png, not '"):
            labels.save(name)
    with pytest.raises(OutputError, match=r"Cannot write .*none/mask\.png \(No such file"):
        labels.save(tmp_path / "none" / "mask.png")


@pytest.mark.parametrize("legend", [True, False])
def test_an_overlay_is_the_one_of_a_run(tmp_path: Path, legend: bool) -> None:
    item = items(1, (200, 160))[0]
    pixels = item.frame.pixels
    source = SourceInfo((200, 160), kind="image")
    with OutputFolder(
        tmp_path,
        classes=classes(),
        formats=("overlay",),
        run={},
        source=source,
        style=OverlayStyle(legend=legend),
    ) as folder:
        folder.write(item.frame, item.labels)
    with Image.open(tmp_path / "overlay.png") as picture:
        expected = np.asarray(picture)
    Image.fromarray(pixels).save(tmp_path / "frame.png")
    given: list[Any] = [item.frame, pixels, Image.fromarray(pixels), tmp_path / "frame.png"]
    for image in given:
        drawn = item.labels.overlay(image, legend=legend)
        assert drawn.mode == "RGB"
        assert np.array_equal(np.asarray(drawn), expected)
    assert item.labels.overlay(pixels[..., 0]).size == (200, 160)


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (
            np.zeros((36, 50, 3), np.uint8),
            "The image is 50x36 and the labels are 48x36: give the frame that was",
        ),
        (np.zeros((36, 48, 3)), "The image is float64: give uint8"),
        ("nowhere.png", "is no image file"),
    ],
)
def test_an_overlay_needs_the_frame(image: Picture, says: str) -> None:
    with pytest.raises(InputError, match=says):
        made(1)[0].labels.overlay(image)


def test_notebooks_show_the_colours() -> None:
    item = items(1, (200, 160))[0]
    with Image.open(io.BytesIO(item.labels._repr_png_())) as shown:
        assert (shown.format, shown.size) == ("PNG", (200, 160))
        pixels = np.asarray(shown)
    assert (pixels[-1, -1] == 255).all()  # unlabelled
    assert len(np.unique(pixels[:, 120:].reshape(-1, 3), axis=0)) > 4


def test_detections() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it does without OpenCV
        sv = pytest.importorskip("supervision")
    item = made(1)[0]
    labels = item.labels.labels.copy()
    labels[labels == 2] = 0  # no sky
    confidence = np.linspace(0, 1, labels.size, dtype=np.float32).reshape(labels.shape)
    found = replace(item.labels, labels=labels, confidence=confidence).to_supervision()
    assert isinstance(found, sv.Detections)
    assert found.class_id.tolist() == [0, 1, 3]
    assert found.data["class_name"].tolist() == ["person", "road", "traffic light"]
    for i, label in enumerate((0, 1, 3)):
        assert np.array_equal(found.mask[i], labels == label)
        assert found.confidence[i] == pytest.approx(confidence[labels == label].mean(), abs=1e-6)
        rows, columns = np.nonzero(labels == label)
        assert found.xyxy[i].tolist() == [columns.min(), rows.min(), columns.max(), rows.max()]
    drawn = sv.MaskAnnotator().annotate(item.frame.pixels.copy(), found)
    assert (drawn != item.frame.pixels).any(axis=2)[found.mask.any(axis=0)].mean() > 0.9
    assert len(found[found.data["class_name"] == "road"]) == 1


def test_a_frame_without_words_has_no_detections() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sv = pytest.importorskip("supervision")
    labels = made(1)[0].labels
    none = replace(labels, labels=np.full_like(labels.labels, 255)).to_supervision()
    assert len(none) == 0
    sv.MaskAnnotator().annotate(made(1)[0].frame.pixels.copy(), none)


def test_supervision_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("supervision")
    with pytest.raises(InputError, match="package supervision is missing: install it with pip install"):
        made(1)[0].labels.to_supervision()
