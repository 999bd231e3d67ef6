"""The table of formats: what it promises is what is written, and packages of others can add to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openvss.errors import InputError
from openvss.plugs import Table
from openvss.video import folder as segment_folder
from openvss.video import sinks
from openvss.video.formats import catalogue
from openvss.video.formats.catalogue import FORMATS, Format, help_text, known_formats
from openvss.video.formats.contract import OutputPlan, SourceInfo
from openvss.video.formats.style import OverlayStyle
from tests.video.formats.samples import classes, items
from tests.video.runs import contents, feed, made, open_folder

SIZE = (48, 36)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != catalogue.MASKS])
def test_a_format_leaves_what_it_promises(tmp_path: Path, name: str) -> None:
    left = set()
    for kind in ("image", "video"):
        (tmp_path / kind).mkdir()
        source = SourceInfo(SIZE, kind=kind)
        writer = FORMATS[name].writer(OutputPlan(tmp_path / kind, classes(), source, OverlayStyle()))
        assert writer is not None
        writer.add(items(1, SIZE)[0])
        writer.finish()
        left |= {path.name for path in (tmp_path / kind).iterdir()}
    assert left == set(FORMATS[name].products)


def test_names_are_kept_once_in_the_order_of_the_table() -> None:
    assert known_formats(["chart", "png", "chart"]) == ("png", "chart")
    assert known_formats([]) == ()


def test_an_unknown_name_is_answered_with_the_choices() -> None:
    with pytest.raises(InputError, match=r"no format 'ovrlay': did you mean overlay\? Choose one of"):
        known_formats(["png", "ovrlay"])


def test_the_help_names_each_format() -> None:
    assert help_text() == (
        "Any of png (masks), overlay (video), cutout (your words cut out, with transparency), binary (a "
        "black-and-white mask for each word), labels (lossless FFV1 video), panoptic (COCO panoptic), "
        "rle (COCO run lengths), chart (share of each word over time), joined by commas."
    )


@pytest.mark.parametrize("name", ["overlay", "labels"])
def test_sizes_that_an_encoder_refuses(name: str) -> None:
    FORMATS[name].check(SourceInfo(SIZE), OverlayStyle())
    with pytest.raises(InputError, match=f"The format {name} cannot have frames of 99998x99998: leave it"):
        FORMATS[name].check(SourceInfo((99_998, 99_998)), OverlayStyle())


def test_only_what_encodes_a_video_asks_for_its_sizes() -> None:
    image = SourceInfo((99_998, 99_998), kind="image")
    FORMATS["overlay"].check(image, OverlayStyle())  # a picture of any size
    FORMATS["png"].check(image, OverlayStyle())
    with pytest.raises(InputError, match="The format labels cannot have frames"):
        FORMATS["labels"].check(image, OverlayStyle())


PACKAGE = """
from openvss.video.formats.catalogue import Format

class Counter:
    def __init__(self, plan):
        self.path, self.frames = plan.folder / "frames.txt", 0
    def add(self, item):
        self.frames += 1
    def finish(self):
        self.path.write_text(str(self.frames))
    def abandon(self):
        pass

COUNT = Format("number of frames", ("frames.txt",), Counter)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table[Format]]:
    """A package of somebody else that brings a format by its entry point."""
    site = tmp_path / "site"
    info = site / "counting-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[openvss.formats]\ncount = counting_abc:COUNT\n")
    (site / "counting_abc.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "counting_abc", raising=False)
    table: Table[Format] = Table("format", catalogue._OWN, group="openvss.formats")
    for module in (catalogue, sinks, segment_folder):
        monkeypatch.setattr(module, "FORMATS", table)
    yield table
    sys.modules.pop("counting_abc", None)


def test_a_format_of_an_installed_package(installed: Table[Format], tmp_path: Path) -> None:
    assert list(installed)[-1] == "count"
    for frames in (2, 6):  # interrupted, then resumed
        folder = open_folder(tmp_path / "out", formats=("count",), resume=True)
        feed(folder, made()[:frames])
        folder.abort() if frames == 2 else folder.close()
    assert contents(tmp_path / "out")["frames.txt"] == b"6"
    with open_folder(tmp_path / "out", formats=("rle",), overwrite=True) as folder:
        feed(folder, made())
    assert not (tmp_path / "out" / "frames.txt").exists()
