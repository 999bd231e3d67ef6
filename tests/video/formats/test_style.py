from __future__ import annotations

import re
from pathlib import Path

import pytest

from openvss.errors import InputError
from openvss.video.formats.style import OverlayStyle, parse_colours

TWO = {"dog": (255, 136, 0), "blue sky": (0, 0, 255)}


def test_colours_are_read_from_text_and_from_a_file(tmp_path: Path) -> None:
    assert parse_colours("dog=#ff8800,  blue sky = blue ") == TWO
    file = tmp_path / "colours.txt"
    file.write_text("# mine\ndog = #f80\n\nblue sky=#0000FF80\n", encoding="utf-8")
    assert parse_colours(f"@{file}") == TWO
    assert parse_colours("a=b=red") == {"a=b": (255, 0, 0)}


@pytest.mark.parametrize("part", ["dog", "=red", "dog=", ""])
def test_what_is_no_colour_is_named(part: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"The colour {part!r} is not WORD=COLOUR: write,")):
        parse_colours(f"sky=blue,{part}")


@pytest.mark.parametrize("colour", ["rad", "#ff8880f", "#" * 200])
def test_an_unknown_colour_is_named_with_its_word(colour: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"{colour!r}, the colour of 'dog', is not known: give")):
        parse_colours(f"sky=blue, dog={colour}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Cannot read the colours in .*none.*: name a text file after @"):
        parse_colours(f"@{tmp_path / 'none'}")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="it is not a UTF-8 text file"):
        parse_colours(f"@{tmp_path / 'binary'}")


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_the_opacity_is_a_share(opacity: float) -> None:
    with pytest.raises(InputError, match=r"The opacity is a number from 0 to 1, such as 0\.5, not"):
        OverlayStyle(opacity=opacity)
