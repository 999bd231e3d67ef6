"""`folder:` sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from openvss.data.catalogue import open_dataset
from openvss.errors import InputError
from tests.data import trees


def videos(root: Path, *classes: str) -> str:
    trees.video(root, "b", [[0, 5], [5]])
    trees.video(root, "a", [[0]])
    trees.text(root / "classes.txt", *(classes or ("0 sky", "5 sea | ocean")))
    return f"folder:{root}"


def test_ids_are_numbered_in_order_whatever_the_gaps(tmp_path: Path) -> None:
    spec = videos(tmp_path, "5 sea | ocean", "0 sky", "", "300 tree")
    opened = open_dataset(spec)
    assert [str(label) for label in opened.vocabulary] == ["sky", "sea | ocean", "tree"]
    assert [clip.name for clip in opened.clips] == ["a", "b"]
    assert (opened.split, opened.ignore, opened.clips[0].objects) == ("all", 255, None)
    path = trees.label(tmp_path / "data/b/mask/00000000.png", [5, 0, 300, 255, 65535], np.uint16)
    assert opened.read_label(path).ravel().tolist() == [1, 0, 2, 255, 255, 255]


def test_images_have_labels_of_their_name(tmp_path: Path) -> None:
    trees.picture(tmp_path / "images/2.jpg")
    trees.picture(tmp_path / "images/10.png")
    trees.label(tmp_path / "labels/2.png", [1])
    trees.label(tmp_path / "labels/10.tif", [2], np.uint16)
    trees.text(tmp_path / "classes.txt", "1 cat", "2 dog")
    clips = open_dataset(f"folder:{tmp_path}").clips
    assert [(clip.name, clip.labels[0] and clip.labels[0].name) for clip in clips] == [
        ("2", "2.png"),
        ("10", "10.tif"),
    ]


def test_a_frame_may_go_without_label_but_a_video_may_not(tmp_path: Path) -> None:
    spec = videos(tmp_path)
    (tmp_path / "data/b/mask/00000000.png").unlink()
    assert [label is None for label in open_dataset(spec).clips[1].labels] == [True, False]
    (tmp_path / "data/a/mask/00000000.png").unlink()
    with pytest.raises(InputError, match=r"^a of .* has no labels"):
        open_dataset(spec)
    assert len(open_dataset(spec, labelled=False).clips) == 2


def test_a_split_is_a_list_of_names(tmp_path: Path) -> None:
    spec = videos(tmp_path)
    trees.text(tmp_path / "held_out.txt", "b")
    assert [clip.name for clip in open_dataset(spec, "held_out").clips] == ["b"]
    trees.text(tmp_path / "held_out.txt", "c")
    with pytest.raises(InputError, match=r"held_out\.txt lists c, which is not in the set"):
        open_dataset(spec, "held_out")
    with pytest.raises(InputError, match=r"other\.txt cannot be read .*: name a split"):
        open_dataset(spec, "other")


def test_what_is_not_held_out_is_for_training(tmp_path: Path) -> None:
    spec = videos(tmp_path)
    trees.text(tmp_path / "held_out.txt", "b")
    assert [clip.name for clip in open_dataset(spec, "train").clips] == ["a"]
    trees.text(tmp_path / "train.txt", "b")
    assert [clip.name for clip in open_dataset(spec, "train").clips] == ["b"]


def test_background_does_not_count_where_classes_share_the_picture(tmp_path: Path) -> None:
    opened = open_dataset(videos(tmp_path, "0 Background", "5 sea"))
    assert opened.vocabulary.names == ("sea",)
    label = opened.clips[1].labels[0]
    assert label is not None
    assert opened.read_label(label).ravel().tolist() == [255, 0, 0, 0, 0, 0]


def test_more_than_254_classes_have_16_bits(tmp_path: Path) -> None:
    opened = open_dataset(videos(tmp_path, *(f"{i} thing {i}" for i in range(300))))
    assert opened.ignore == 65535
    path = trees.label(tmp_path / "data/a/mask/00000000.png", [255, 299, 65535], np.uint16)
    assert opened.read_label(path).ravel().tolist()[:3] == [255, 299, 65535]


def test_a_named_object_a_sequence(tmp_path: Path) -> None:
    spec = videos(tmp_path, "0 background", "1 person | man", "5  Person+horse", "20\tdog")
    trees.text(tmp_path / "sequences.txt", "a 20 dog", "b 5 person+Horse", "absent 1 person")
    opened = open_dataset(spec)
    assert opened.vocabulary.names == ("background", "person", "dog", "horse")
    assert [clip.objects for clip in opened.clips] == [(2, ("dog",)), (1, ("person", "horse"))]
    label = opened.clips[1].labels[0]
    assert label is not None
    assert opened.read_label(label).ravel().tolist() == [0, 1, 1, 1, 1, 1]


def test_sequences_may_name_the_class_alone(tmp_path: Path) -> None:
    spec = videos(tmp_path, "0 background", "5 sea lion", "7 2 door car")
    trees.text(tmp_path / "sequences.txt", "a 2 door car", "b sea lion")
    clips = open_dataset(spec).clips
    assert [clip.objects for clip in clips] == [(2, ("2 door car",)), (1, ("sea lion",))]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("a 9 dog",), "'a 9 dog' of .* is not `sequence id name`"),
        (("a 5 sea",), "names no object for the video b"),
        (("a 5 sea", "a 0 sky"), "sequence a is given twice"),
    ],
)
def test_bad_sequences_are_named(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    spec = videos(tmp_path)
    trees.text(tmp_path / "sequences.txt", *lines)
    with pytest.raises(InputError, match=message):
        open_dataset(spec)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("sky",), "The line 'sky' of .*classes.txt is not `id name`"),
        (("0 sky", "-1 sea"), "The line '-1 sea'"),
        (("0 sky", "0 sea"), "The id 0 is given twice"),
        (
            ("0 sky", "1 sea, ocean"),
            "The class 'sea, ocean' in .* is not a valid word: put bars between synonyms",
        ),
        (("0 @words.txt",), "The class '@words.txt' in .* is not a valid word"),
        (("0 sky", "1 Sky"), "In .*classes.txt: The word 'sky' is given twice"),
        (("65535 sky",), "The id 65535 in .* is too large"),
        (("",), "classes.txt is empty"),
    ],
)
def test_bad_classes_are_named(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    videos(tmp_path)
    trees.text(tmp_path / "classes.txt", *lines)
    with pytest.raises(InputError, match=message):
        open_dataset(f"folder:{tmp_path}")


def test_a_folder_without_data_is_explained(tmp_path: Path) -> None:
    trees.text(tmp_path / "classes.txt", "0 sky")
    with pytest.raises(InputError, match="images does not exist: a folder set holds data/"):
        open_dataset(f"folder:{tmp_path}")


def images(root: Path, frames: Sequence[str], labels: Sequence[str]) -> str:
    for name in frames:
        trees.picture(root / "images" / name)
    for name in labels:
        trees.label(root / "labels" / name, [1])
    trees.text(root / "classes.txt", "1 cat")
    return f"folder:{root}"


@pytest.mark.parametrize(
    ("frames", "labels", "message"),
    [
        (
            ["1.jpg", "2.jpg"],
            ["1.png", "00002.png"],
            r"00002\.png matches no image, and .*2\.jpg has",
        ),
        (["1.jpg"], ["1.png", "1.tif"], r"1\.png and 1\.tif have the same name"),
        (["1.jpg", "1.png"], ["1.png"], r"1\.jpg and 1\.png have the same name"),
        (["1.jpg", "more/2.jpg"], ["1.png"], r"images/more holds pictures, which are not read there"),
    ],
)
def test_nothing_is_left_out_or_doubled_silently(
    tmp_path: Path, frames: list[str], labels: list[str], message: str
) -> None:
    spec = images(tmp_path, frames, labels)
    with pytest.raises(InputError, match=message):
        open_dataset(spec)


def test_labels_of_no_image_and_images_without_label_alone_are_fine(tmp_path: Path) -> None:
    clips = open_dataset(images(tmp_path / "a", ["1.jpg"], ["1.png", "2.png"])).clips
    assert [clip.name for clip in clips] == ["1"]
    clips = open_dataset(images(tmp_path / "b", ["1.jpg", "2.jpg"], ["1.png"]), labelled=False).clips
    assert [clip.name for clip in clips] == ["1", "2"]


def test_a_set_holds_videos_or_images(tmp_path: Path) -> None:
    spec = images(tmp_path, ["1.jpg"], ["1.png"])
    trees.text(tmp_path / "sequences.txt", "1 1 cat")
    with pytest.raises(InputError, match="names the objects of videos"):
        open_dataset(spec)
    (tmp_path / "sequences.txt").unlink()
    videos(tmp_path)
    with pytest.raises(InputError, match="holds both data/"):
        open_dataset(spec)


@pytest.mark.parametrize("name", ["background", "Background | void"])
def test_background_is_said_not_to_count(tmp_path: Path, name: str) -> None:
    opened = open_dataset(videos(tmp_path, f"0 {name}", "5 sea"))
    assert opened.vocabulary.names == ("sea",)
    assert opened.uncounted == (name,)
    assert opened.renumbers
    assert not open_dataset(videos(tmp_path / "b", *(f"{i} word{i}" for i in range(6)))).renumbers
