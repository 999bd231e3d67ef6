from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from openvss.video.formats.contract import Labelled, OutputPlan, SourceInfo, Writer
from openvss.video.formats.panoptic import PanopticWriter
from openvss.video.formats.rle import RleWriter
from openvss.video.formats.style import OverlayStyle
from tests.video.formats.samples import WORDS, classes, items, words


def written(folder: Path, kind: type[PanopticWriter | RleWriter], made: list[Labelled]) -> None:
    names = made[0].labels.words
    writer: Writer = kind(OutputPlan(folder, classes(names), SourceInfo((48, 36)), OverlayStyle()))
    for item in made:
        writer.add(item)
    writer.finish()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools itself
@pytest.mark.parametrize("names", [WORDS, words(300)])
def test_rle_annotations_give_the_labels_back(tmp_path: Path, names: tuple[str, ...]) -> None:
    made = items(3, names=names)
    written(tmp_path, RleWriter, made)
    assert [path.name for path in tmp_path.iterdir()] == ["annotations.json"]
    coco = json.loads((tmp_path / "annotations.json").read_text())
    assert [category["name"] for category in coco["categories"]] == list(names)
    assert len({annotation["id"] for annotation in coco["annotations"]}) == len(coco["annotations"])
    assert all(annotation["id"] > 0 for annotation in coco["annotations"])
    for item, image in zip(made, coco["images"], strict=True):
        assert (image["width"], image["height"]) == (48, 36)
        labels = np.full((36, 48), item.labels.unlabelled, dtype=np.int64)
        for annotation in coco["annotations"]:
            if annotation["image_id"] == image["id"]:
                mask = coco_mask.decode(annotation["segmentation"]).astype(bool)
                assert annotation["area"] == mask.sum()
                assert annotation["bbox"] == coco_mask.toBbox(annotation["segmentation"]).tolist()
                labels[mask] = annotation["category_id"] - 1
        assert np.array_equal(labels, item.labels.labels)


@pytest.mark.parametrize("names", [WORDS, words(300)])
def test_panoptic_pictures_and_segments_agree_with_the_labels(tmp_path: Path, names: tuple[str, ...]) -> None:
    made = items(3, names=names)
    written(tmp_path, PanopticWriter, made)
    coco = json.loads((tmp_path / "panoptic.json").read_text())
    assert {category["isthing"] for category in coco["categories"]} == {0}
    for item, image, annotation in zip(made, coco["images"], coco["annotations"], strict=True):
        assert image["id"] == annotation["image_id"] == item.frame.index
        with Image.open(tmp_path / "panoptic" / annotation["file_name"]) as picture:
            red, green, blue = np.moveaxis(np.asarray(picture).astype(np.int64), -1, 0)
        ids = red + 256 * green + 65536 * blue
        expected = item.labels.labels.astype(np.int64) + 1
        expected[item.labels.labels == item.labels.unlabelled] = 0
        assert np.array_equal(ids, expected)
        segments = {segment["id"]: segment for segment in annotation["segments_info"]}
        assert set(segments) == set(np.unique(ids).tolist()) - {0}
        for number, segment in segments.items():
            rows, columns = np.nonzero(ids == number)
            left, top = columns.min(), rows.min()
            assert segment["area"] == len(rows)
            assert segment["bbox"] == [left, top, columns.max() - left + 1, rows.max() - top + 1]
            assert segment["category_id"] == number


def test_a_video_without_a_single_word_is_valid_json(tmp_path: Path) -> None:
    made = items(2)
    for item in made:
        item.labels.labels[:] = item.labels.unlabelled
    written(tmp_path, RleWriter, made)
    coco = json.loads((tmp_path / "annotations.json").read_text())
    assert coco["annotations"] == []
    assert len(coco["images"]) == 2
