"""Sets whose masks show one named object a sequence: any words, and nothing scored that means nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from openvss.data.base import Clip, Ids
from openvss.data.catalogue import open_dataset
from openvss.errors import InputError
from openvss.evaluation.compare import columns, compare
from openvss.evaluation.ground_truth import SURROUNDINGS, Task, default_words, names_objects
from openvss.evaluation.predictions import FolderPredictions, Predictions
from openvss.evaluation.protocol import find_protocol
from openvss.evaluation.report import page as report
from openvss.evaluation.runner import run
from openvss.words.vocabulary import Vocabulary
from tests.evaluation.sets import folder_for, write_objects, write_set

WORDS = "grass, horse | pony, tree, swan, person"
BY_SEQUENCE = {"lake": {3}, "ride": {1, 4}, "walk": {4}}  # ids of the words above


def task_with(root: Path, words: str | None = WORDS) -> Task:
    dataset = open_dataset(f"folder:{root}")
    named = default_words(dataset) if words is None else Vocabulary.parse(words)
    return Task(dataset, named, find_protocol("plain", named))


class Drawn:
    """Words drawn by chance, always the same ones; they stay for a few frames."""

    origin: dict[str, Any] = {"model": {"name": "drawn"}, "predictions": None}  # noqa: RUF012

    def __init__(self, n_words: int) -> None:
        self._n_words = n_words

    def of(self, clip: Clip) -> Iterator[tuple[int, Ids]]:
        for index in range(len(clip.labels)):
            rng = np.random.default_rng([ord(clip.name[0]), index // 5])
            yield index, rng.integers(0, self._n_words, (24, 32), dtype=np.uint8)

    def name(self, clip: Clip, index: int) -> str:
        return clip.name


def score(task: Task, predictions: Predictions, out: Path) -> dict[str, Any]:
    folder = folder_for(out, task, predictions)
    return report.write(folder, task, run(task, predictions, folder))


def test_object_iou_of_any_words_equals_a_loop_over_pixels(tmp_path: Path) -> None:
    task = task_with(write_objects(tmp_path / "set"))
    result = score(task, Drawn(5), tmp_path / "out")
    expected = {}
    for clip in task.dataset.clips:
        hits = either = 0
        for index, prediction in Drawn(5).of(clip):
            with Image.open(str(clip.labels[index])) as image:
                raw = np.asarray(image).ravel().tolist()
            for true, word in zip(raw, prediction.ravel().tolist(), strict=True):
                is_object, found = true not in (0, 255), word in BY_SEQUENCE[clip.name]
                hits += is_object and found
                either += true != 255 and (is_object or found)
        expected[clip.name] = hits / either
    assert {one["sequence"]: one["iou"] for one in result["objects"]} == pytest.approx(expected)
    assert result["object_iou"] == pytest.approx(sum(expected.values()) / 3)
    assert result["words"] == ["grass", "horse | pony", "tree", "swan", "person"]


def test_only_what_means_something_is_there(tmp_path: Path) -> None:
    task = task_with(write_objects(tmp_path / "set"))
    result = score(task, Drawn(5), tmp_path / "out")
    assert result.keys() == {
        "object_iou", "boundary_f", "objects", "mvc8", "mvc16", "flicker", "consistency",
        "ground_truth", "data", "protocol", "word_list", "words", "model", "predictions",
        "predictions_sha256", "versions",
    }  # fmt: skip
    assert result["consistency"].keys() == {"paper", "vspw"}
    assert 0 < result["mvc16"] < result["mvc8"] < 1
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "metrics.json", "report.md", "objects.png", "best.png", "worst.png", "flicker.png",
    }  # fmt: skip
    text = (out / "report.md").read_text()
    assert "| ride | person or horse | " in text
    assert "mIoU" not in text
    assert "## Classes" not in text
    assert "| `correct`" not in text
    assert all(f"({picture.name})" in text for picture in out.glob("*.png"))


def test_more_words_than_the_masks_have_bits(tmp_path: Path) -> None:
    """A list of wide ids beside masks of narrow ones."""
    task = task_with(write_objects(tmp_path / "set"))
    extra = ", ".join(f"w{i}" for i in range(300))
    wide = task_with(tmp_path / "set", f"{WORDS}, {extra}")

    class Wide(Drawn):
        def of(self, clip: Clip) -> Iterator[tuple[int, Ids]]:
            for index, prediction in super().of(clip):
                yield index, prediction.astype(np.uint16)

    narrow = score(task, Drawn(5), tmp_path / "narrow")
    again = score(wide, Wide(5), tmp_path / "wide")
    for key in ("object_iou", "boundary_f", "objects", "consistency", "flicker", "ground_truth"):
        assert again[key] == narrow[key]


def test_masks_of_others_score_alike(tmp_path: Path) -> None:
    task = task_with(write_objects(tmp_path / "set"))
    for clip in task.dataset.clips:
        (tmp_path / "masks" / clip.name).mkdir(parents=True)
        for index, ids in Drawn(5).of(clip):
            Image.fromarray(ids).save(tmp_path / "masks" / clip.name / f"{clip.frames[index].stem}.png")
    folder = FolderPredictions(tmp_path / "masks", task.dataset, task.words, task.rules)
    result = score(task, folder, tmp_path / "from-masks")
    direct = score(task, Drawn(5), tmp_path / "direct")
    kept = direct.keys() - {"model", "predictions", "predictions_sha256"}
    assert {key: result[key] for key in kept} == {key: direct[key] for key in kept}
    rows = compare([tmp_path / "direct", tmp_path / "from-masks"])
    assert columns(rows) == ["object_iou", "boundary_f", "mvc8", "mvc16", "flicker"]
    assert not rows[1].differs


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    task = task_with(write_objects(tmp_path / "set"))
    whole = score(task, Drawn(5), tmp_path / "whole")
    folder = folder_for(tmp_path / "cut", task, Drawn(5))

    def stop(done: int) -> None:
        if done > 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(task, Drawn(5), folder, stop)
    folder = folder_for(tmp_path / "cut", task, Drawn(5), resume=True)
    assert folder.finished_frames(task.dataset) == 36
    assert report.write(folder, task, run(task, Drawn(5), folder)) == whole
    assert json.loads((tmp_path / "cut" / "metrics.json").read_text()) == whole


def test_the_words_are_those_of_the_objects_and_of_surroundings(tmp_path: Path) -> None:
    dataset = open_dataset(f"folder:{write_objects(tmp_path / 'set')}")
    assert names_objects(dataset)
    words = default_words(dataset)
    assert words.names == ("swan", "person", "horse", *SURROUNDINGS)
    assert words.labels[1].synonyms == ("person", "human")
    assert Vocabulary.parse(str(words)) == words
    classes = tmp_path / "set" / "classes.txt"
    classes.write_text(classes.read_text().replace("swan", "water | lake"))
    sequences = tmp_path / "set" / "sequences.txt"
    sequences.write_text(sequences.read_text().replace("swan", "water"))
    again = default_words(open_dataset(f"folder:{tmp_path / 'set'}"))
    assert again.names == ("water", "person", "horse", *(word for word in SURROUNDINGS if word != "water"))


def test_a_set_of_classes_is_none_of_objects(tmp_path: Path) -> None:
    assert not names_objects(open_dataset(f"folder:{write_set(tmp_path / 'set', (2,))}"))


def test_a_word_that_is_missing_is_known_before_anything_is_scored(tmp_path: Path) -> None:
    write_objects(tmp_path / "set")
    with pytest.raises(InputError, match=r"'ride' is 'horse', which is not among the words"):
        task_with(tmp_path / "set", "swan, person, grass")
