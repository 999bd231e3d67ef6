from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from openvss.video import lettering
from openvss.video.lettering import Anchor, fitted, length, without_font, write

SIZE = 24
HAN = "道路"


@pytest.fixture(autouse=True)
def _only_the_bundled_font(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever fonts this computer has."""
    monkeypatch.setattr(lettering, "_others", lambda: ())
    _forget()
    yield
    _forget()


def _forget() -> None:
    lettering._file.cache_clear()
    lettering._runs.cache_clear()


def drawn(text: str, anchor: Anchor = "ls") -> np.ndarray:
    picture = Image.new("L", (600, 100))
    write(ImageDraw.Draw(picture), (300, 50), text, 255, SIZE, anchor)
    return np.asarray(picture)


def pillow_font(folder: Path) -> Path:
    """The font that comes with Pillow, which has few letters beyond ASCII."""
    font = ImageFont.load_default(SIZE)
    assert isinstance(font, ImageFont.FreeTypeFont)
    assert isinstance(font.path, BytesIO)
    file = folder / "pillow.ttf"
    file.write_bytes(font.path.getvalue())
    return file


@pytest.mark.parametrize("text", ["café", "Straße", "naïve", "Ελλάδα", "дорога", "đường", "e\u0301", "½ – …"])
def test_letters_of_european_scripts_are_there(text: str) -> None:
    picture = Image.new("L", (600, 100))
    font = ImageFont.truetype(str(lettering._base()), SIZE)
    ImageDraw.Draw(picture).text((300, 50), "\U0010ffff", 255, font=font, anchor="ls")
    assert without_font([text]) == ""
    for letter in text.replace(" ", ""):
        assert not np.array_equal(drawn(letter), np.asarray(picture))  # the box of what is missing
        assert drawn(letter).any()


def test_what_no_font_has_is_written_as_its_code_points() -> None:
    assert without_font([f"{HAN} café", HAN]) == "路道"
    assert np.array_equal(drawn(HAN), drawn("U+9053 U+8DEF"))
    assert np.array_equal(drawn(f"a {HAN[0]}b"), drawn("a U+9053b"))
    assert length(HAN, SIZE) == length("U+9053 U+8DEF", SIZE)


def test_other_fonts_give_what_the_first_one_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = lettering._base()
    monkeypatch.setattr(lettering, "_base", lambda: pillow_font(tmp_path))
    assert without_font(["road дорога"]) == "агдор"
    _forget()
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    monkeypatch.setattr(lettering, "_others", lambda: (broken, bundled))
    assert without_font(["road дорога"]) == ""
    runs = lettering._runs("road дорога")
    assert [(file == bundled, part) for file, part in runs] == [(False, "road "), (True, "дорога")]
    assert length("road дорога", SIZE) == pytest.approx(length("road ", SIZE) + length("дорога", SIZE))


def test_fonts_are_looked_for_in_packages_and_in_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    names = ("A-BoldItalic.ttf", "B.otf", "LastResort.ttf", "C.txt", "deep/D.TTC")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(lettering, "_folders", lambda: [tmp_path, tmp_path / "none"])
    found = lettering._others.__wrapped__()
    assert [file.name for file in found] == ["B.otf", "D.TTC", "A-BoldItalic.ttf"]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_system_has_its_folders(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr("sys.platform", platform)
    folders = [str(folder) for folder in lettering._folders()]
    assert any("fontpkg_noto_sans" in folder for folder in folders)
    assert sum("onts" in Path(folder).name.lower() for folder in folders) >= 2


@pytest.mark.parametrize("text", ["", "\u200b", "\n", "a\u200db", "\x00", "️"])
def test_what_cannot_be_seen_takes_no_room(text: str) -> None:
    assert length(text, SIZE) == length(
        text.replace("\n", " ").strip("\x00\u200b️").replace("\u200d", ""), SIZE
    )
    assert drawn(text).any() == ("a" in text)


def test_anchors_say_where_a_text_lies() -> None:
    boxes: dict[str, tuple[int, int, int, int]] = {}
    for anchor in ("ls", "lm", "lt", "rm", "mm"):
        box = Image.fromarray(drawn("HxH", anchor)).getbbox()
        assert box is not None
        boxes[anchor] = box
    assert boxes["ls"][3] == 50
    assert boxes["lt"][1] == pytest.approx(50, abs=1)
    assert sum(boxes["lm"][1::2]) / 2 == pytest.approx(50, abs=1)
    assert boxes["lm"][0] == pytest.approx(300, abs=3)
    assert boxes["rm"][2] == pytest.approx(300, abs=3)
    assert sum(boxes["mm"][::2]) / 2 == pytest.approx(300, abs=1)


def test_a_text_is_shortened_to_its_room() -> None:
    whole = "a long name of something"
    assert fitted(whole, SIZE, 1000) == whole
    short = fitted(whole, SIZE, 120)
    assert short.endswith("…")
    assert length(short, SIZE) <= 120 < length(short[:-1] + whole[len(short) - 1] + "m…", SIZE)
