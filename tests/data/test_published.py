"""The layouts and ids of the published data sets, on trees of a few files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from openvss.data import coco_stuff, pascal_context
from openvss.data.catalogue import LAYOUTS, open_dataset
from openvss.data.voc import words_20b
from openvss.errors import InputError
from openvss.words.vocabulary import Vocabulary
from tests.data import trees


def classes_of(spec: str, split: str | None = None) -> list[list[int]]:
    """The classes in the label files of a set, in reading order."""
    opened = open_dataset(spec, split)
    return [opened.read_label(path).ravel().tolist() for clip in opened.clips for path in clip.labels if path]


def test_vspw_takes_one_from_raw_ids_and_ignores_the_voids(tmp_path: Path) -> None:
    trees.video(tmp_path, "10_b", [[0, 1, 80, 81, 124, 255], [254, 2]])
    trees.video(tmp_path, "9_a", [[5]])
    trees.text(tmp_path / "val.txt", "9_a", "10_b")
    opened = open_dataset(f"vspw:{tmp_path}")
    assert (opened.name, opened.split, opened.ignore, len(opened.vocabulary)) == ("vspw", "val", 255, 124)
    assert [(clip.name, len(clip.frames), clip.rate) for clip in opened.clips] == [
        ("9_a", 1, Fraction(15)),
        ("10_b", 2, Fraction(15)),
    ]
    assert classes_of(f"vspw:{tmp_path}")[1:] == [[255, 0, 79, 80, 123, 255], [255, 1, 1, 1, 1, 1]]


def test_every_raw_id_of_vspw_is_the_class_of_its_place() -> None:
    from openvss.data.vspw import TABLE

    assert TABLE.classes[1:125].tolist() == list(range(124))
    assert (TABLE.classes[[0, 254, 255]] == 255).all()
    assert (TABLE.classes[125:254] == TABLE.unknown).all()


def test_secret_labels_can_be_left_out(tmp_path: Path) -> None:
    trees.picture(tmp_path / "data/1_x/origin/00000000.jpg")
    trees.text(tmp_path / "test.txt", "1_x")
    with pytest.raises(InputError, match=r"1_x of .* has no labels"):
        open_dataset(f"vspw:{tmp_path}", "test")
    assert open_dataset(f"vspw:{tmp_path}", "test", labelled=False).clips[0].labels == (None,)


def cityscapes(root: Path) -> None:
    name = "lindau_000003_000019"
    trees.picture(root / f"leftImg8bit/val/lindau/{name}_leftImg8bit.png")
    trees.label(root / f"gtFine/val/lindau/{name}_gtFine_labelIds.png", [7, 33, 11, 0, 9, 255])
    trees.picture(root / f"gtFine/val/lindau/{name}_gtFine_color.png")


def test_cityscapes_scores_19_of_its_label_ids(tmp_path: Path) -> None:
    cityscapes(tmp_path)
    opened = open_dataset(f"cityscapes:{tmp_path}")
    (clip,) = opened.clips
    assert (clip.name, len(clip.frames), clip.rate) == ("lindau/lindau_000003_000019", 1, Fraction(17))
    assert classes_of(f"cityscapes:{tmp_path}") == [[0, 18, 2, 255, 255, 255]]
    evaluated = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    from openvss.data.cityscapes import TABLE

    assert [raw for raw in range(256) if TABLE.classes[raw] < 19] == evaluated


def test_cityscapes_sequences_give_the_frames_before_the_labelled_one(tmp_path: Path) -> None:
    cityscapes(tmp_path)
    folder = tmp_path / "leftImg8bit_sequence/val/lindau"
    for number in [*range(10, 30), 5]:
        trees.picture(folder / f"lindau_000003_{number:06d}_leftImg8bit.png")
    trees.picture(folder / "lindau_000002_000018_leftImg8bit.png")
    (clip,) = open_dataset(f"cityscapes:{tmp_path}").clips
    assert [path.name.split("_")[2] for path in clip.frames] == [f"{n:06d}" for n in range(10, 20)]
    assert clip.labels[:-1] == (None,) * 9
    assert clip.labels[-1] is not None


def test_coco_stuff_as_released_and_prepared(tmp_path: Path) -> None:
    trees.picture(tmp_path / "images/val2017/000000000139.jpg")
    trees.label(tmp_path / "stuffthingmaps/val2017/000000000139.png", [0, 10, 12, 181, 91, 255])
    expected = [[0, 10, 11, 170, 80, 255]]
    assert classes_of(f"coco-stuff:{tmp_path}") == expected
    trees.label(tmp_path / "annotations_detectron2/val2017/000000000139.png", expected[0])
    assert classes_of(f"coco-stuff:{tmp_path}") == expected


def test_coco_ids_that_were_never_used_are_errors(tmp_path: Path) -> None:
    assert len(coco_stuff.RELEASED_IDS) == 171
    trees.picture(tmp_path / "images/val2017/1.jpg")
    path = trees.label(tmp_path / "annotations/val2017/1.png", [11])
    opened = open_dataset(f"coco-stuff:{tmp_path}")
    with pytest.raises(InputError, match="holds the id 11,"):
        opened.read_label(path)


def test_ade150_takes_one_and_ignores_zero(tmp_path: Path) -> None:
    trees.picture(tmp_path / "images/validation/ADE_val_00000001.jpg")
    trees.label(tmp_path / "annotations/validation/ADE_val_00000001.png", [0, 1, 150])
    assert classes_of(f"ade150:{tmp_path}") == [[255, 0, 149, 149, 149, 149]]


def test_ade847_has_16_bits(tmp_path: Path) -> None:
    trees.picture(tmp_path / "images_detectron2/validation/ADE_val_00000001.jpg")
    path = tmp_path / "annotations_detectron2/validation/ADE_val_00000001.tif"
    trees.label(path, [0, 255, 846, 65535], np.uint16)
    opened = open_dataset(f"ade847:{tmp_path}")
    assert (opened.ignore, len(opened.vocabulary)) == (65535, 847)
    assert opened.read_label(path).dtype == np.uint16
    assert classes_of(f"ade847:{tmp_path}") == [[0, 255, 846, 65535, 65535, 65535]]
    trees.label(path, [847], np.uint16)
    with pytest.raises(InputError, match="holds the id 847,"):
        opened.read_label(path)


def test_pascal_context_as_prepared(tmp_path: Path) -> None:
    trees.picture(tmp_path / "JPEGImages/2008_000002.jpg")
    trees.picture(tmp_path / "JPEGImages/2008_000003.jpg")  # belongs to another split
    trees.label(tmp_path / "annotations_detectron2/pc59_val/2008_000002.png", [0, 58, 255])
    trees.label(
        tmp_path / "annotations_detectron2/pc459_val/2008_000002.tif", [0, 458, 459, 65535], np.uint16
    )
    assert classes_of(f"pc59:{tmp_path}") == [[0, 58, 255, 255, 255, 255]]
    assert classes_of(f"pc459:{tmp_path}") == [[0, 458, 65535, 65535, 65535, 65535]]
    assert open_dataset(f"pc459:{tmp_path}").ignore == 65535


def test_pascal_context_with_background(tmp_path: Path) -> None:
    trees.picture(tmp_path / "JPEGImages/2008_000002.jpg")
    trees.label(tmp_path / "SegmentationClassContext/2008_000002.png", [0, 1, 59])
    trees.text(tmp_path / "ImageSets/SegmentationContext/val.txt", "2008_000002")
    assert classes_of(f"pc59:{tmp_path}") == [[255, 0, 58, 58, 58, 58]]


def test_the_59_classes_are_those_of_the_459() -> None:
    frequent, everything = Vocabulary.parse("pc59"), Vocabulary.parse("pc459")
    pairs = zip(pascal_context.FREQUENT, frequent.names, strict=True)
    differing = {name: everything.names[raw - 1] for raw, name in pairs if everything.names[raw - 1] != name}
    assert differing == {"dining table": "table"}


@pytest.mark.parametrize("folder", ["SegmentationClass", "SegmentationClassAug"])
def test_voc_background_is_ignored_or_class_20(tmp_path: Path, folder: str) -> None:
    trees.picture(tmp_path / "JPEGImages/2007_000033.jpg")
    trees.picture(tmp_path / "JPEGImages/2007_000032.jpg")  # not in the list
    trees.label(tmp_path / folder / "2007_000033.png", [0, 1, 20, 255])
    trees.text(tmp_path / "ImageSets/Segmentation/val.txt", "2007_000033")
    assert classes_of(f"voc20:{tmp_path}") == [[255, 0, 19, 255, 255, 255]]
    assert classes_of(f"voc20b:{tmp_path}") == [[20, 0, 19, 255, 255, 255]]
    assert open_dataset(f"voc20b:{tmp_path}").vocabulary == words_20b()


def test_voc20b_has_the_words_of_pascal_context_after_the_objects() -> None:
    words = words_20b()
    assert words.names[:20] == Vocabulary.parse("voc20").names
    assert len(words) == 59
    assert set(words.names) == set(Vocabulary.parse("pc59").names)
    assert Vocabulary.parse(str(words)) == words


def test_camvid_void_is_11(tmp_path: Path) -> None:
    trees.picture(tmp_path / "test/0001TP_008550.png")
    trees.label(tmp_path / "testannot/0001TP_008550.png", [0, 10, 11])
    assert classes_of(f"camvid:{tmp_path}", "test") == [[0, 10, 255, 255, 255, 255]]


@pytest.mark.parametrize("name", sorted(set(LAYOUTS) - {"folder"}))
def test_an_empty_folder_gives_a_sentence_with_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"^The \w+ {tmp_path}/.* .*: .*\.$"):
        open_dataset(f"{name}:{tmp_path}")
