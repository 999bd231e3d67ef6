"""`openvss compare` as a user meets it."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from openvss.cli.from_result import task_again
from openvss.cli.scoring import ScoringChoice, find_task, from_model
from openvss.data.catalogue import open_dataset
from openvss.data.make import make
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.hashes import data_sha256
from openvss.evaluation.pictures import film_strip as picture
from openvss.evaluation.pictures.canvas import MARGIN
from openvss.evaluation.predictions import Predictions
from openvss.models.registry import build_model
from openvss.weights.checkpoint import save_model
from tests.cli.runner import Runner
from tests.evaluation.sets import write_objects, write_set

SMALL = ["--size", "32", "--device", "cpu"]
TALL = picture.PANEL * 3 // 4  # of frames of 64 x 48


def rows_of(path: Path, number: int, tall: int = TALL) -> list[npt.NDArray[np.uint8]]:
    """The rows of a strip, the frames first."""
    with Image.open(path) as image:
        pixels = np.array(image)
    tops = (MARGIN + picture.HEAD + row * (picture.NAME + tall) for row in range(number))
    return [pixels[top : top + tall, MARGIN:-MARGIN] for top in tops]


def change(path: Path, **values: Any) -> None:
    file = path / "metrics.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def build_and_save(preset: str, words: str, path: Path, seed: int = 1) -> None:
    torch.manual_seed(seed)
    save_model(build_model(preset, {"words": words}), path, preset, {"words": words})


def test_a_table(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (2,))
    for name, words in (("a", "sky, road, person, tree"), ("b", "air, way, human, plant")):
        run.ok("evaluate", "--data", "folder:set", "--out", name, "--words", words, *SMALL)
    (tmp_path / "empty").mkdir()
    shutil.copytree(tmp_path / "a", tmp_path / "again")
    table = run.ok("compare", "a", "again")
    miou = json.loads((tmp_path / "a" / "metrics.json").read_text())["miou"]
    assert "mIoU" in table
    assert table.count(f"{100 * miou:.2f}") >= 2
    assert "cannot be compared" not in table
    assert "* b cannot be compared with a: different words." in run.ok("compare", "a", "b")
    listed = json.loads(run.ok("compare", "a", "b", "--json"))
    assert listed["comparable"] is False
    assert listed["runs"][1]["differs"] == ["words"]
    for arguments, part in (
        (["a"], "at least two"),
        (["a", "empty"], "holds no finished evaluation"),
        (["a", "again", "--frames", "1"], "give --strip VIDEO with them"),
        (["a", "again", "--out", "x.png"], "give --strip VIDEO with them"),
    ):
        assert part in run.sentence("compare", *arguments)


def test_a_strip_of_models_and_of_masks(run: Runner, tmp_path: Path) -> None:
    """Masks that a model wrote give the same row as the model: what comes again is what was scored."""
    write_set(tmp_path / "set", (12, 4), size=(48, 64))
    words = "sky, road, person, tree"
    data = ["evaluate", "--data", "folder:set"]
    run.ok(*data, "--out", "model", *SMALL)
    run.ok(*data, "--out", "regions", "--model", "regions-tiny", *SMALL)
    for video in ("v0", "v1"):
        run.ok("segment", f"set/data/{video}/origin", words, "--out", video, "--format", "png", *SMALL)
        (tmp_path / "masks" / video).mkdir(parents=True)
        for mask in (tmp_path / video / "masks").iterdir():
            shutil.copy(mask, tmp_path / "masks" / video / mask.name.removeprefix("00"))
    run.ok(*data, "--out", "from-masks", "--predictions", "masks")

    runs = ["model", "regions", "from-masks"]
    assert run.ok("compare", *runs, "--strip", "v0").splitlines() == ["strip.png"]
    frames, truth, model, regions, masks = rows_of(tmp_path / "strip.png", 5)
    np.testing.assert_array_equal(model, masks)
    for one, other in ((truth, model), (truth, regions), (model, regions)):
        assert (one != other).any()
    first = (tmp_path / "strip.png").read_bytes()
    run.ok("compare", *runs, "--strip", "v0", "--frames", "3-8", "--out", "same.png")
    assert (tmp_path / "same.png").read_bytes() == first

    run.ok("compare", "from-masks", "--strip", "v0", "--frames", "5", "--out", "one.png")
    third = slice(2 * (picture.PANEL + picture.GAP), 3 * picture.PANEL + 2 * picture.GAP)
    for one, several in zip(rows_of(tmp_path / "one.png", 3), (frames, truth, masks), strict=True):
        np.testing.assert_array_equal(one, several[:, third])

    lines = run.ok("compare", *runs, "--strip", "v0", "--json").splitlines()
    assert json.loads(lines[-1]) == {
        "event": "done", "out": "strip.png", "video": "v0", "frames": [3, 4, 5, 6, 7, 8], "runs": runs,
    }  # fmt: skip


def test_a_strip_of_some_words_of_a_built_in_list(run: Runner, tmp_path: Path) -> None:
    make("vspw", tmp_path / "vspw")
    command = ["evaluate", "--data", "vspw:vspw", "--protocol", "vspw-80-44-unseen"]
    run.ok(*command, "--out", "direct", *SMALL)
    run.ok("submit", "direct", "--out", "s.zip")
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        archive.extractall(tmp_path / "masks")
        video = archive.namelist()[0].partition("/")[0]
    frame = next((tmp_path / "vspw" / "data" / video / "origin").iterdir())
    with Image.open(frame) as image:
        tall = round(picture.PANEL * image.height / image.width)
    run.ok(*command, "--out", "again", "--predictions", "masks")
    run.ok("compare", "direct", "again", "--strip", video)
    _, truth, direct, again = rows_of(tmp_path / "strip.png", 4, tall)
    np.testing.assert_array_equal(direct, again)
    assert (truth != direct).any()


def test_words_with_synonyms_in_common_come_again(tmp_path: Path) -> None:
    make("ade847", tmp_path / "ade")
    data = f"ade847:{tmp_path / 'ade'}"
    task = find_task(open_dataset(data, "val"), None, None)
    result = {
        "data": {
            "name": "ade847",
            "root": str(task.dataset.root),
            "split": "val",
            "sha256": data_sha256(task.dataset),
        },
        "word_list": task.words.source,
        "words": [str(word) for word in task.words],
        "protocol": "a-847",
    }
    assert task_again("run", result).words == task.words


def test_a_model_is_loaded_as_it_was(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path / "set", (2,))
    options = ["--context", "whole", "--option", "count=50", "--precision", "bf16", *SMALL]
    run.ok("evaluate", "--data", "folder:set", "--model", "regions-tiny", "--out", "a", *options)
    asked: list[ScoringChoice] = []

    def recorded(task: Task, choice: ScoringChoice) -> Predictions:
        asked.append(choice)
        return from_model(task, choice)

    monkeypatch.setattr("openvss.cli.from_result.from_model", recorded)
    run.ok("compare", "a", "--strip", "v0")
    expected = ScoringChoice("regions-tiny", None, False, {"count": 50}, 32, "auto", "whole", "bf16")
    assert asked == [expected]


def test_a_strip_of_named_objects(run: Runner, tmp_path: Path) -> None:
    write_objects(tmp_path / "set", 3)
    run.ok("evaluate", "--data", "folder:set", "--out", "own", "--words", "horse, swan, person", *SMALL)
    run.ok("compare", "own", "--strip", "ride")
    assert (tmp_path / "strip.png").is_file()


def test_weights_are_found_again(run: Runner, tmp_path: Path, closed: str) -> None:
    write_set(tmp_path / "set", (2,), size=(48, 64))
    words = "sky, road, person, tree"
    build_and_save(closed, words, tmp_path / "w.safetensors")
    command = ["evaluate", "--data", "folder:set", "--model", closed, *SMALL]
    run.ok(*command, "--weights", "w.safetensors", "--out", "trained")
    run.ok(*command, "--untrained", "--option", f"words={words}", "--out", "untrained")
    run.ok("compare", "trained", "untrained", "--strip", "v0")
    _, _, trained, untrained = rows_of(tmp_path / "strip.png", 4)
    assert (trained != untrained).any()

    shutil.copy("w.safetensors", "copy.safetensors")
    run.ok(*command, "--weights", "copy.safetensors", "--out", "trained", "--resume")
    run.ok(*command, "--weights", "copy.safetensors", "--out", "copy")
    assert "safetensors" not in run.ok("compare", "trained", "copy")

    build_and_save(closed, words, tmp_path / "w.safetensors", seed=2)
    said = run.sentence("compare", "trained", "--strip", "v0")
    assert said == "openvss: The weights that trained was made with have changed since then: evaluate again."
    (tmp_path / "w.safetensors").unlink()
    said = run.sentence("compare", "trained", "--strip", "v0")
    assert "trained was made with weights in w.safetensors, which does not exist" in said


def test_a_strip_that_cannot_be_drawn(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path / "set", (4, 4), labelled=lambda index: index != 1)
    shutil.copytree(tmp_path / "set", tmp_path / "other")
    Image.new("L", (32, 24), 1).save(tmp_path / "other" / "data" / "v0" / "mask" / "0000.png")
    for video in ("v0", "v1"):
        shutil.copytree(tmp_path / "set" / "data" / video / "mask", tmp_path / "masks" / video)
    run.ok("evaluate", "--data", "folder:set", "--predictions", "masks", "--out", "a")
    run.ok("evaluate", "--data", "folder:other", "--predictions", "masks", "--out", "b")
    run.ok("evaluate", "--data", "folder:set", "--out", "model", *SMALL)
    change(tmp_path / "model", model={"name": "tiny"})
    for arguments, part in (
        (
            ["a", "--strip", "v3"],
            "No video named 'v3' was scored: name one such as v0, v1.",
        ),
        (["a", "--strip", "v0", "--frames", "0-4"], "v0 has no frame 4: give --frames from 0 to 3."),
        (["a", "--strip", "v0", "--frames", "0-2"], "Frame 1 of v0 has no labels"),
        (["a", "--strip", "v0", "--frames", "x"], "--frames x names no frames"),
        (["a", "b", "--strip", "v0"], "b cannot be compared with a because they have different data: leave"),
        (["a", "--strip", "v0", "--out", "x.jpg"], "cannot be written to x.jpg: name a .png file"),
        (["a", "--strip", "v0", "--out", "no/x.png"], "name a .png file in an existing folder"),
        (["model", "--strip", "v0"], "model does not say how its model was loaded: evaluate again."),
        (["masks", "--strip", "v0"], "holds no finished evaluation"),
    ):
        assert part in run.sentence("compare", *arguments)

    (tmp_path / "taken.png").mkdir()
    code, _, said = run("compare", "a", "--strip", "v0", "--out", "taken.png")
    assert code == 1
    assert "Cannot write taken.png (Is a directory): choose another --out." in said

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    said = run.sentence("compare", "../a", "--strip", "v0")
    assert "a was made with data in set, which does not exist: run this command in the folder" in said
    monkeypatch.chdir(tmp_path)
    shutil.copy("masks/v0/0000.png", "masks/v1/0000.png")
    assert "The masks that a was made with have changed" in run.sentence("compare", "a", "--strip", "v0")
    shutil.rmtree("masks")
    assert "masks in masks, which does not exist" in run.sentence("compare", "a", "--strip", "v0")
    shutil.copy("other/data/v0/mask/0000.png", "set/data/v0/mask/0000.png")
    assert "The data in set or their words have changed since a was made" in run.sentence(
        "compare", "a", "--strip", "v0"
    )
    shutil.rmtree("set/data/v0/mask")
    assert "v0 of folder:set has no labels" in run.sentence("compare", "a", "--strip", "v0")
    assert not (tmp_path / "strip.png").exists()
