"""Label files and id tables."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from openvss.data.labels import IdTable, read_ids, require_size
from openvss.errors import InputError
from tests.data import trees


def test_palette_indices_are_the_ids_whatever_the_colours(tmp_path: Path) -> None:
    ids = np.array([[0, 1, 254], [255, 3, 2]], np.uint8)
    image = Image.fromarray(ids)
    image.putpalette([200 - i % 200 for i in range(768)])
    image.save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_ids(tmp_path / "mask.png"), ids)


def test_palette_of_few_colours_is_stored_in_few_bits(tmp_path: Path) -> None:
    ids = np.array([[0, 1, 2], [3, 2, 1]], np.uint8)
    image = Image.fromarray(ids)
    image.putpalette([9, 9, 9, 8, 8, 8, 7, 7, 7, 6, 6, 6])
    image.save(tmp_path / "mask.png", bits=2)
    np.testing.assert_array_equal(read_ids(tmp_path / "mask.png"), ids)


@pytest.mark.parametrize("name", ["grey.png", "grey.tif", "grey.tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_files_keep_their_numbers(tmp_path: Path, name: str, dtype: type[np.uint8]) -> None:
    ids = np.array([[0, 7, 255], [np.iinfo(dtype).max, 1, 254]], dtype)
    trees.save(tmp_path / name, ids)
    read = read_ids(tmp_path / name)
    assert read.dtype == dtype
    np.testing.assert_array_equal(read, ids)


def test_signed_16_and_32_bit_tiffs_of_other_tools_are_read(tmp_path: Path) -> None:
    ids = np.array([[0, 846], [300, 65535]], np.int32)
    Image.fromarray(ids).save(tmp_path / "mask.tif")
    read = read_ids(tmp_path / "mask.tif")
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, ids)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "1"])
def test_pictures_are_no_label_files(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "mask.png"
    Image.new(mode, (3, 2)).save(path)
    with pytest.raises(InputError, match=rf"^{path} is a {mode} picture, not a label file"):
        read_ids(path)


def test_small_greys_are_refused_because_readers_stretch_them(tmp_path: Path) -> None:
    ids = np.array([[0, 85], [170, 255]], np.uint8)  # what Pillow makes of 0, 1, 2, 3
    rows = b"".join(b"\x00" + row for row in (bytes([0b00010000]), bytes([0b10110000])))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 2, 2, 2, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    (tmp_path / "mask.png").write_bytes(png)
    assert np.asarray(Image.open(tmp_path / "mask.png")).tolist() == ids.tolist()
    with pytest.raises(InputError, match=r"mask\.png is grey with 2 bits"):
        read_ids(tmp_path / "mask.png")


def test_numbers_beyond_16_bits_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.array([[70000, 1]], np.int32)).save(tmp_path / "mask.tif")
    with pytest.raises(InputError, match=r"mask\.tif holds numbers beyond 16 bits"):
        read_ids(tmp_path / "mask.tif")


def test_missing_cut_and_lossy_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.png is missing"):
        read_ids(tmp_path / "gone.png")
    whole = trees.save(tmp_path / "cut.png", np.random.default_rng(0).integers(0, 99, (64, 64), np.uint8))
    whole.write_bytes(whole.read_bytes()[:-900])
    with pytest.raises(InputError, match=r"cut\.png cannot be read"):
        read_ids(whole)
    Image.new("L", (3, 2)).save(tmp_path / "lossy.jpg")
    with pytest.raises(InputError, match=r"lossy\.jpg cannot be read as PNG or TIFF"):
        read_ids(tmp_path / "lossy.jpg")


@given(data=st.data(), n_classes=st.sampled_from([1, 19, 254, 255, 847]))
def test_a_table_equals_a_naive_loop(
    data: st.DataObject, n_classes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raws = data.draw(st.lists(st.integers(0, 999), min_size=n_classes, max_size=n_classes, unique=True))
    classes = {raw: place for place, raw in enumerate(raws)}
    void = data.draw(st.integers(1000, 1010))
    table = IdTable.of(classes, n_classes, (void,))
    known = [*raws, void]
    pixels = np.array(data.draw(st.lists(st.sampled_from(known), min_size=6, max_size=6)), np.uint16)
    path = trees.save(tmp_path_factory.mktemp("labels") / "mask.png", pixels.reshape(2, 3))
    ignore = 255 if n_classes <= 254 else 65535
    assert table.read(path).ravel().tolist() == [classes.get(raw, ignore) for raw in pixels.tolist()]
    assert table.read(path).dtype == (np.uint8 if n_classes <= 254 else np.uint16)


def test_ids_without_meaning_are_named_with_the_file(tmp_path: Path) -> None:
    table = IdTable.of({1: 0, 2: 1}, 2, (255,))
    path = trees.label(tmp_path / "one.png", [1, 7])
    with pytest.raises(InputError, match=r"one\.png holds the id 7, which"):
        table.read(path)
    path = trees.save(tmp_path / "many.png", np.arange(12, dtype=np.uint8).reshape(3, 4))
    with pytest.raises(InputError, match=r"many\.png holds the ids 0, 3, 4, 5, 6 and 5 more"):
        table.read(path)


def test_sizes_are_compared_and_both_files_named(tmp_path: Path) -> None:
    frame = trees.picture(tmp_path / "a.jpg", (4, 6))
    path = trees.label(tmp_path / "a.png", [0])
    require_size(np.zeros((4, 6), np.uint8), path, (4, 6), frame)
    with pytest.raises(InputError, match=r"a\.png is 3x2, but its image .*a\.jpg is 6x4"):
        require_size(read_ids(path), path, (4, 6), frame)
