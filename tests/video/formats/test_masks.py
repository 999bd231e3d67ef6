from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openvss.errors import InputError
from openvss.video.formats.masks import is_whole_png, mask_png, palette, read_mask
from tests.video.formats.samples import classes, items, words


@pytest.mark.parametrize("number", [1, 4, 254, 255, 300])
def test_a_mask_reads_back_as_it_was(tmp_path: Path, number: int) -> None:
    item = items(1, (33, 35), words(number))[0]
    path = tmp_path / "mask.png"
    path.write_bytes(mask_png(item.labels.labels, palette(classes(words(number)))))
    read = read_mask(path)
    assert read.dtype == item.labels.labels.dtype
    assert np.array_equal(read, item.labels.labels)
    assert (read == item.labels.unlabelled).any()


def test_the_palette_shows_the_colours_of_the_words(tmp_path: Path) -> None:
    item = items(1)[0]
    path = tmp_path / "mask.png"
    path.write_bytes(mask_png(item.labels.labels, palette(classes())))
    with Image.open(path) as image:
        assert image.mode == "P"
        shown = np.asarray(image.convert("RGB"))
    for info in classes():
        assert (shown[item.labels.labels == info.id] == info.colour).all()
    assert (shown[item.labels.labels == 255] == 0).all()


def test_many_words_give_a_16_bit_grey_picture(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(mask_png(items(1, names=words(300))[0].labels.labels, b""))
    with Image.open(path) as image:
        assert image.mode == "I;16"


def test_every_damage_is_noticed(tmp_path: Path) -> None:
    whole = mask_png(items(1)[0].labels.labels, palette(classes()))
    path = tmp_path / "mask.png"
    assert not is_whole_png(path)
    path.write_bytes(whole)
    assert is_whole_png(path)
    flipped = bytearray(whole)
    flipped[-20] ^= 1
    for damaged in (b"", whole[:-1], whole[: len(whole) // 2], bytes(flipped), whole + b"x", b"text"):
        path.write_bytes(damaged)
        assert not is_whole_png(path)


def test_what_is_not_a_mask_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.new("RGB", (4, 4)).save(path)
    with pytest.raises(InputError, match=r"photo\.png is not a label mask"):
        read_mask(path)
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"photo\.png cannot be read"):
        read_mask(path)
