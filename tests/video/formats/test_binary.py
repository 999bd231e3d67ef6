from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from openvss.video.formats.binary import BinaryWriter, folder_names, made_folders
from openvss.video.formats.contract import Labelled, OutputPlan, SourceInfo
from openvss.video.formats.style import OverlayStyle
from tests.video.formats.samples import classes, items, labelled


def written(folder: Path, made: list[Labelled]) -> None:
    size = made[0].labels.labels.shape[::-1]
    writer = BinaryWriter(OutputPlan(folder, classes(made[0].labels.words), SourceInfo(size), OverlayStyle()))
    for item in made:
        writer.add(item)
    writer.finish()


def mask(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    with Image.open(path) as picture:
        assert picture.mode == "1"
        assert set(np.unique(np.asarray(picture.convert("L")))) <= {0, 255}
        return np.asarray(picture)


@pytest.mark.parametrize("number", [4, 300])
def test_the_masks_of_all_words_give_the_labels_back(tmp_path: Path, number: int) -> None:
    made = items(3, (33, 35), [f"word {i}" for i in range(number)])
    written(tmp_path, made)
    index = json.loads((tmp_path / "binary.json").read_text())
    assert [(entry["id"], entry["name"]) for entry in index] == [(i, f"word {i}") for i in range(number)]
    for item in made:
        found = np.full((35, 33), item.labels.unlabelled)
        for entry in index:
            if entry["folder"] is not None:
                found[mask(tmp_path / "binary" / entry["folder"] / f"{item.frame.index:06d}.png")] = entry[
                    "id"
                ]
        assert np.array_equal(found, item.labels.labels)


def test_only_words_that_occur_have_a_folder_and_in_it_every_frame(tmp_path: Path) -> None:
    names = ("dog", "cat", "cow")
    frames = [[0, 0], [0, 1], [255, 0]]
    made = [labelled(i, np.array([row], np.uint8), names) for i, row in enumerate(frames)]
    written(tmp_path, made)
    files = {str(path.relative_to(tmp_path / "binary")) for path in tmp_path.glob("binary/*/*")}
    assert files == {f"{word}/00000{i}.png" for word in ("dog", "cat") for i in range(3)}
    assert [mask(tmp_path / f"binary/cat/00000{i}.png").tolist() for i in range(3)] == [
        [[False, False]],
        [[False, True]],
        [[False, False]],
    ]
    assert [mask(tmp_path / f"binary/dog/00000{i}.png").tolist() for i in range(3)] == [
        [[True, True]],
        [[True, False]],
        [[False, True]],
    ]
    assert [entry["folder"] for entry in json.loads((tmp_path / "binary.json").read_text())] == [
        "dog",
        "cat",
        None,
    ]


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        (["dog", "traffic light", "café", "道路", "🐶"], ["dog", "traffic light", "café", "道路", "🐶"]),
        (["a/b", "a-b", "a\\b", "a-b-2"], ["a-b", "a-b-1", "a-b-2", "a-b-2-3"]),
        (["../../etc", ".", "..", "~", "-rf"], ["etc", "_", "_-2", "~", "rf"]),
        (["Dog", "dog", "DOG "], ["Dog", "dog-1", "DOG-2"]),
        (["cafe\u0301", "caf\u00e9", "straße", "strasse"], ["cafe\u0301", "café-1", "straße", "strasse-3"]),
        (["con", "NUL", "com1", "console"], ["con_", "NUL_", "com1_", "console"]),
        (["x.", "x", "a\0b\nc", 'w<h>a:t"|?*'], ["x", "x-1", "a-b-c", "w-h-a-t"]),
        (["000000.png"], ["000000-png"]),
    ],
)
def test_folders_are_called_like_the_words_as_far_as_possible(names: list[str], folders: list[str]) -> None:
    assert folder_names(names) == folders


def test_long_words_are_cut(tmp_path: Path) -> None:
    folders = folder_names(["w" * 300, "w" * 301, "道" * 300])
    assert [len(folder.encode()) for folder in folders] == [100, 102, 99]
    for folder in folders:
        (tmp_path / folder).mkdir()


@given(st.lists(st.text(max_size=120), max_size=12))
def test_every_word_has_a_folder_of_its_own_that_any_system_takes(names: list[str]) -> None:
    folders = folder_names(names)
    assert len({unicodedata.normalize("NFKD", folder).casefold() for folder in folders}) == len(names)
    for folder in folders:
        assert folder.isprintable()
        assert not set(folder) & set('<>:"/\\|?*.')
        assert 0 < len(folder.encode()) < 150
        assert folder == folder.strip()
        assert not folder.startswith("-")


@pytest.mark.parametrize(
    "index", ["", "[]", "[1]", "{}", '[{"folder": [1]}]', '[{"folder": "../road"}]', "[[]]"]
)
def test_a_damaged_index_names_no_folder(tmp_path: Path, index: str) -> None:
    (tmp_path / "binary" / "road").mkdir(parents=True)
    (tmp_path / "binary.json").write_text(index)
    assert made_folders(tmp_path) == []


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "binary").mkdir()
    (tmp_path / "binary" / "road").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "binary.json").write_text('[{"folder": "road"}]')
    assert made_folders(tmp_path) == []
