"""Opening data sets by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from openvss.data.catalogue import LAYOUTS, open_dataset
from openvss.errors import InputError
from tests.data import trees


def vspw(root: Path) -> str:
    trees.video(root, "1_a", [[1], [2], [3]])
    trees.text(root / "val.txt", "1_a")
    return f"vspw:{root}"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "kitti:/data",
            r"Unknown data set 'kitti': give one of vspw, cityscapes, .*, folder, as name:root",
        ),
        ("vspw", r"'vspw' does not say where the data set is: give name:root"),
        ("vspw: ", r"does not say where"),
        ("vspw:/no/such/folder", r"The folder /no/such/folder of vspw does not exist"),
    ],
)
def test_bad_names_and_roots_are_explained(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_dataset(spec)


@pytest.mark.parametrize("name", sorted(set(LAYOUTS) - {"folder"}))
def test_splits_are_listed_and_val_is_the_default(tmp_path: Path, name: str) -> None:
    assert LAYOUTS[name].splits[0] == "val"
    with pytest.raises(InputError, match=rf"^{name} has no split 'dev': choose among val, train"):
        open_dataset(f"{name}:{tmp_path}", "dev")


def test_an_empty_split_is_an_error(tmp_path: Path) -> None:
    trees.text(tmp_path / "val.txt", "")
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError, match="has no images in the split 'val'"):
        open_dataset(f"vspw:{tmp_path}")


def test_missing_masks_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    spec = vspw(tmp_path)
    (tmp_path / "data/1_a/mask/00000001.png").unlink()
    with pytest.raises(InputError, match=r"1_a/mask/00000001\.png is missing: get"):
        open_dataset(spec)
    (tmp_path / "data/1_a/mask/00000002.png").unlink()
    with pytest.raises(InputError, match=r"00000001\.png is missing with 1 more"):
        open_dataset(spec)
    labels = open_dataset(spec, labelled=False).clips[0].labels
    assert [label is None for label in labels] == [False, True, True]


def test_missing_images_and_empty_videos_are_named(tmp_path: Path) -> None:
    spec = vspw(tmp_path)
    (tmp_path / "data/2_b/origin").mkdir(parents=True)
    trees.text(tmp_path / "val.txt", "1_a", "2_b")
    with pytest.raises(InputError, match=r"The video 2_b of .* has no frames"):
        open_dataset(spec)
    trees.text(tmp_path / "val.txt", "1_a", "3_c")
    with pytest.raises(InputError, match=r"3_c/origin does not exist"):
        open_dataset(spec)


def test_no_two_clips_have_one_name(tmp_path: Path) -> None:
    spec = vspw(tmp_path)
    trees.text(tmp_path / "val.txt", "1_a", "1_a")
    with pytest.raises(InputError, match=r"Two images or videos of .* are called 1_a"):
        open_dataset(spec)


def test_data_sets_need_no_torch() -> None:
    code = "import sys, openvss.data.check, openvss.data.prepare; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
