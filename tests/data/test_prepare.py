"""`prepare`: released labels turned into class ids."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from openvss.data import ade20k, pascal_detail
from openvss.data.catalogue import open_dataset
from openvss.data.check import check
from openvss.data.labels import read_ids
from openvss.data.prepare import prepare
from openvss.errors import InputError, OutputError
from openvss.words.vocabulary import Vocabulary
from tests.data import trees


def coco(root: Path, n: int = 3) -> None:
    for index in range(n):
        trees.picture(root / f"images/val2017/{index}.jpg")
        trees.label(root / f"stuffthingmaps/val2017/{index}.png", [0, 181, index, 255])


def test_coco_stuff_reads_the_same_before_and_after(tmp_path: Path) -> None:
    coco(tmp_path)
    before = open_dataset(f"coco-stuff:{tmp_path}")
    seen: list[tuple[int, int]] = []
    assert prepare("coco-stuff", tmp_path, lambda done, total: seen.append((done, total))) == 3
    assert seen == [(1, 3), (2, 3), (3, 3)]
    after = open_dataset(f"coco-stuff:{tmp_path}")
    for old, new in zip(before.clips, after.clips, strict=True):
        assert old.labels[0] is not None
        assert new.labels[0] is not None
        assert new.labels[0].parent.parent.name == "annotations_detectron2"
        np.testing.assert_array_equal(before.read_label(old.labels[0]), after.read_label(new.labels[0]))


def test_an_interrupted_preparation_goes_on(tmp_path: Path) -> None:
    coco(tmp_path)

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare("coco-stuff", tmp_path, interrupt)
    folder = tmp_path / "annotations_detectron2/val2017"
    assert sorted(path.name for path in folder.iterdir()) == ["0.png", "1.png"]
    (folder / ".2.png.part").write_bytes(b"half")  # what a killed run leaves
    assert prepare("coco-stuff", tmp_path) == 1
    assert prepare("coco-stuff", tmp_path) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["0.png", "1.png", "2.png"]


def test_a_set_that_is_prepared_in_part_is_refused(tmp_path: Path) -> None:
    labels = tmp_path / "annotations_detectron2"
    coco(tmp_path)
    prepare("coco-stuff", tmp_path)
    trees.text(tmp_path / "pascalcontext_val.txt", "1", "2")
    for stem in ("1", "2"):
        trees.picture(tmp_path / f"JPEGImages/{stem}.jpg")
        trees.label(labels / f"pc59_val/{stem}.png", [0])
        trees.label(labels / f"pc459_val/{stem}.tif", [0], np.uint16)
        folder = tmp_path / "images/ADE/validation/x"
        segments(folder / f"ADE_val_{stem}_seg.png", [[2978]])
        trees.picture(folder / f"ADE_val_{stem}.jpg", (1, 1))
    prepare("ade847", tmp_path)
    for name, missing in (
        ("coco-stuff", labels / "val2017/2.png"),
        ("pc59", labels / "pc59_val/2.png"),
        ("pc459", labels / "pc459_val/2.tif"),
        ("ade847", labels / "validation/ADE_val_2.tif"),
        ("ade847", tmp_path / "images_detectron2/validation/ADE_val_2.jpg"),
    ):
        spec = f"{name}:{tmp_path}"
        content = missing.read_bytes()
        assert len(open_dataset(spec).clips) == (3 if name == "coco-stuff" else 2)
        missing.unlink()
        sentence = f"The file {missing} is missing: run `openvss data prepare {name} {tmp_path}` again."
        with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
            open_dataset(spec)
        assert sentence in check(spec)
        missing.write_bytes(content)


def test_ids_of_the_full_ade20k_go_with_their_names() -> None:
    ids = ade20k.released_ids()
    names = [", ".join(label.synonyms) for label in Vocabulary.parse("ade847")]
    assert len(set(ids)) == len(ids) == 847
    assert (ids[0], ids[14], ids[846]) == (2978, 401, 3148)
    # The release numbers its classes in order of the alphabet, but for some late ones.
    early = [name for number, name in sorted(zip(ids, names, strict=True)) if number < 3100]
    assert early == sorted(early)


def segments(path: Path, classes: list[list[int]], repeat: int = 1) -> None:
    """Colours of ADE20K: the class in red and green, instances in blue."""
    number = np.kron(np.array(classes), np.ones((repeat, repeat), int))
    blue = np.arange(number.size).reshape(number.shape) % 251
    trees.save(path, np.stack([number // 256 * 10, number % 256, blue], axis=-1).astype(np.uint8))


def test_ade847_from_colours(tmp_path: Path) -> None:
    folder = tmp_path / "images/ADE/validation/urban/street"
    segments(folder / "ADE_val_00000001_seg.png", [[2978, 312, 0], [3148, 1, 401]])
    trees.picture(folder / "ADE_val_00000001.jpg")
    segments(tmp_path / "images/ADE/training/x/ADE_frame_00000007_seg.png", [[2420]])
    trees.picture(tmp_path / "images/ADE/training/x/ADE_frame_00000007.jpg", (1, 1))
    assert prepare("ade847", tmp_path) == 4
    labels = tmp_path / "annotations_detectron2"
    read = read_ids(labels / "validation/ADE_val_00000001.tif")
    assert read.dtype == np.uint16
    assert read.tolist() == [[0, 1, 65535], [846, 65535, 14]]
    assert read_ids(labels / "training/ADE_frame_00000007.tif").tolist() == [[2]]
    assert len(open_dataset(f"ade847:{tmp_path}").clips) == 1
    assert len(open_dataset(f"ade847:{tmp_path}", "train").clips) == 1


def test_large_ade847_images_get_a_short_side_of_512(tmp_path: Path) -> None:
    folder = tmp_path / "images/ADE/training/x"
    segments(folder / "ADE_train_00000001_seg.png", [[2978, 312, 2420]], 640)
    trees.picture(folder / "ADE_train_00000001.jpg", (640, 1920))
    prepare("ade847", tmp_path)
    labels = read_ids(tmp_path / "annotations_detectron2/training/ADE_train_00000001.tif")
    assert labels.shape == (512, 1536)
    assert [np.unique(part).tolist() for part in np.split(labels, 3, axis=1)] == [[0], [1], [2]]
    with Image.open(tmp_path / "images_detectron2/training/ADE_train_00000001.jpg") as image:
        assert image.size == (1536, 512)


def context(root: Path, classes: list[list[int]]) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    trees.picture(root / "JPEGImages/2008_000002.jpg")
    trees.text(root / "pascalcontext_val.txt", "2008_000002")
    (root / "trainval").mkdir()
    scipy_io.savemat(root / "trainval/2008_000002.mat", {"LabelMap": np.array(classes, np.uint16)})


def test_pascal_context_from_mat(tmp_path: Path) -> None:
    context(tmp_path, [[1, 2, 459], [458, 9, 0]])
    assert prepare("pc459", tmp_path) == prepare("pc59", tmp_path) == 1
    prepared = tmp_path / "annotations_detectron2"
    assert read_ids(prepared / "pc459_val/2008_000002.tif").tolist() == [[0, 1, 458], [457, 8, 65535]]
    assert read_ids(prepared / "pc59_val/2008_000002.png").tolist() == [[255, 0, 255], [58, 1, 255]]
    opened = open_dataset(f"pc459:{tmp_path}")
    assert (len(opened.clips), opened.ignore) == (1, 65535)


def test_broken_and_missing_mat_files_are_named(tmp_path: Path) -> None:
    context(tmp_path, [[1]])
    trees.text(tmp_path / "pascalcontext_val.txt", "2008_000009")
    with pytest.raises(InputError, match=r"2008_000009\.mat is missing"):
        prepare("pc459", tmp_path)
    (tmp_path / "trainval/2008_000009.mat").write_bytes(b"MATLAB 5.0 no more" * 20)
    with pytest.raises(InputError, match=r"2008_000009\.mat cannot be read"):
        prepare("pc459", tmp_path)
    context_ids = np.array([[460]], np.uint16)
    pytest.importorskip("scipy.io").savemat(tmp_path / "trainval/2008_000009.mat", {"LabelMap": context_ids})
    with pytest.raises(InputError, match=r"2008_000009\.mat holds ids beyond 459"):
        prepare("pc459", tmp_path)


def detail(root: Path) -> Path:
    """PASCAL in Detail's file with an image for training and one for validation."""
    from openvss.video.formats.rle import encode

    def region(image: int, category: int, counts: list[int]) -> dict[str, object]:
        coded = encode(np.array(counts, np.int64))
        return {
            "image_id": image,
            "category_id": category,
            "segmentation": {"size": [2, 3], "counts": coded},
        }

    images = [
        {"image_id": 7, "file_name": "2008_000002.jpg", "phase": "val", "height": 2, "width": 3},
        {"image_id": 8, "file_name": "2008_000003.jpg", "phase": "train", "height": 2, "width": 3},
        {"image_id": 9, "file_name": "2008_000004.jpg", "phase": "test", "height": 2, "width": 3},
    ]
    regions = [
        region(7, 2, [0, 2, 4]),
        region(8, 458, [0, 6]),
        region(7, 9, [3, 1, 2]),
        region(7, 77, [5, 1]),
    ]
    content = {
        "info": {"name": "détail", "n": [1, 2]},
        "annos_segmentation": regions,
        "n": 3,
        "images": images,
    }
    return trees.text(root / "trainval_merged.json", json.dumps(content, ensure_ascii=False))


@pytest.mark.parametrize("block", [1, 17, 1 << 20])
def test_pascal_context_from_detail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(pascal_detail, "BLOCK", block)
    detail(tmp_path)
    assert prepare("pc59", tmp_path) == 2
    prepared = tmp_path / "annotations_detectron2"
    assert read_ids(prepared / "pc59_val/2008_000002.png").tolist() == [[0, 255, 255], [0, 1, 255]]
    assert read_ids(prepared / "pc59_train/2008_000003.png").tolist() == [[58, 58, 58]] * 2


def test_a_cut_annotation_file_is_named(tmp_path: Path) -> None:
    path = detail(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"trainval_merged\.json is not the annotation file"):
        prepare("pc59", tmp_path)


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=12).filter(sum))
def test_run_lengths_are_decoded_as_they_were_encoded(lengths: list[int]) -> None:
    from openvss.video.formats.rle import encode

    expected = [index % 2 == 1 for index, length in enumerate(lengths) for _ in range(length)]
    mask = pascal_detail.decode(encode(np.array(lengths, np.int64)), (1, len(expected)))
    assert mask.ravel().tolist() == expected
    column = pascal_detail.decode(encode(np.array(lengths, np.int64)), (len(expected), 1))
    assert column.ravel().tolist() == expected


@pytest.mark.parametrize("name", sorted({"voc20", "vspw", "camvid"}))
def test_most_sets_are_read_as_released(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"{name} is read as it was released; only coco-stuff, ade847, pc59"):
        prepare(name, tmp_path)


def test_unknown_names_and_empty_roots_are_explained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No data set 'kitti' can be prepared"):
        prepare("kitti", tmp_path)
    with pytest.raises(InputError, match="nowhere of pc59 does not exist"):
        prepare("pc59", tmp_path / "nowhere")
    for name in ("coco-stuff", "ade847", "pc59", "pc459"):
        with pytest.raises(InputError, match=rf"^The folder {tmp_path}/.* does not exist: give"):
            prepare(name, tmp_path)
    (tmp_path / "images/ADE").mkdir(parents=True)
    with pytest.raises(InputError, match="holds no released labels of ade847"):
        prepare("ade847", tmp_path)


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    coco(tmp_path, 1)

    def full(labels: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("openvss.data.coco_stuff.save_labels", full)
    with pytest.raises(OutputError, match=r"0\.png cannot be written \(No space left on device\)"):
        prepare("coco-stuff", tmp_path)
    assert list((tmp_path / "annotations_detectron2/val2017").iterdir()) == []
