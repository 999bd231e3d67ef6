"""`openvss evaluate` as a user meets it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from openvss.data.catalogue import open_dataset
from openvss.data.make import make
from openvss.words import Vocabulary
from tests.cli.runner import Runner
from tests.evaluation.sets import snapshot, write_objects, write_set

SMALL = ["--size", "32", "--device", "cpu"]


def metrics(folder: Path | str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(folder) / "metrics.json").read_text())
    return found


def test_a_model_then_its_masks(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (18,), size=(48, 64))
    out = run.ok("evaluate", "--data", "folder:set", *SMALL)
    folder = Path("evaluated/set-all-tiny")
    assert str(folder / "report.md") in out
    assert "18 frames scored" in out
    model = metrics(folder)
    assert model["model"]["name"] == "tiny"
    assert len(model["model"]["weights_sha256"]) == 64
    assert model["words"] == ["sky", "road", "person", "tree"]
    run.ok(
        "segment", "set/data/v0/origin", "sky, road, person, tree", "--out", "seg", "--format", "png", *SMALL
    )
    run.ok("evaluate", "--data", "folder:set", "--predictions", "seg", "--out", "from-seg")
    run.ok("evaluate", "--data", "folder:set", "--predictions", "seg/masks", "--out", "from-masks")
    for other in ("from-seg", "from-masks"):
        for key in ("miou", "pacc", "mvc8", "mvc16", "per_class", "consistency", "ground_truth"):
            assert metrics(other)[key] == model[key]


def test_precision_is_a_setting_like_others(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (2,))
    arguments = ("evaluate", "--data", "folder:set", "--out", "out", *SMALL)
    run.ok(*arguments)
    assert metrics("out")["model"]["precision"] == "fp32"
    said = run.sentence(*arguments, "--precision", "bf16", "--resume")
    assert 'different settings (model.precision: "fp32" then, "bf16" now)' in said
    run.ok(*arguments, "--precision", "bf16", "--overwrite")
    assert metrics("out")["model"]["precision"] == "bf16"


def test_json_lines(run: Runner, tmp_path: Path) -> None:
    make("vspw", tmp_path / "vspw")
    arguments = ("evaluate", "--data", "vspw:vspw", "--protocol", "vspw-80-44", "--out", "out", "--json")
    events = [json.loads(line) for line in run.ok(*arguments, *SMALL).splitlines()]
    assert [e["event"] for e in events if e["event"] != "progress"] == ["start", "done"]
    assert events[0]["protocol"] == "vspw-80-44"
    assert {"miou", "seen_miou", "unseen_miou", "hiou", "mvc8"} <= events[-1].keys()
    assert "report.md" in events[-1]["files"]
    again = json.loads(run.ok(*arguments, "--resume", *SMALL))
    assert again == events[-1]


def test_bad_arguments_are_one_sentence_and_exit_code_2(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (2,))
    write_set(tmp_path / "bare", (2, 2), labelled=lambda index: False)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "set" / "none.txt").touch()
    data = ("--data", "folder:set")
    for arguments, part in (
        ([], "--data name:root"),
        (["--data", "nothing:set"], "There is no data set 'nothing'"),
        (["--data", "folder:missing"], "missing of folder does not exist"),
        (["--data", "folder:bare"], "v0 of folder:bare has no labels"),
        ([*data, "--split", "none"], "no images in the split 'none'"),
        ([*data, "--model", "huge"], "No model is called 'huge'"),
        ([*data, "--protocol", "odd"], "Unknown protocol 'odd'"),
        ([*data, "--protocol", "vspw-80-44"], "a list of 124 words"),
        ([*data, "--words", "sky, road"], "--words has 2 labels, but folder has 4 classes"),
        (
            [*data, "--words", "road, sky, person, tree"],
            "gives 'road' for the class 'sky', but folder has another class of that name",
        ),
        ([*data, "--predictions", "empty"], "holds no predictions"),
        ([*data, "--predictions", "empty", "--model", "tiny"], "give one of them"),
        ([*data, "--predictions", "empty", "--size", "64"], "--size"),
        (
            [*data, "--predictions", "empty", "--device", "cpu"],
            "--device cannot be combined with --predictions",
        ),
        ([*data, "--predictions", "empty", "--precision", "bf16"], "--precision cannot be combined"),
        ([*data, "--device", "cpu", "--precision", "fp16"], "fp16 needs a GPU: use bf16 or fp32"),
        ([*data, "--out", "file"], "file is in the way"),
        ([*data, "--resume", "--overwrite"], "only one of them"),
        (["set", *data], "unexpected extra argument"),
    ):
        assert part in run.sentence("evaluate", *arguments)
    assert not (tmp_path / "evaluated").exists()


def test_what_does_not_count_and_what_ids_mean_is_said(run: Runner, tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", (2,))
    (root / "classes.txt").write_text("0 background\n1 road\n2 person\n3 tree\n")
    run.ok("segment", "set/data/v0/origin", "road, person, tree", "--out", "made", *SMALL)
    code, printed, remarks = run("evaluate", "--data", "folder:set", "--predictions", "made", "--out", "out")
    assert code == 0
    assert "Masks are read as 0 road, 1 person, 2 tree, which are not the ids" in remarks
    assert 'Pixels of "background" do not count.' in printed
    assert 'Pixels of "background" do not count.' in (tmp_path / "out" / "report.md").read_text()


def test_a_folder_that_holds_an_evaluation(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (2,))
    command = ["evaluate", "--data", "folder:set", "--out", "out"]
    run.ok(*command, *SMALL)
    assert "--resume" in run.sentence(*command, *SMALL)
    assert "words" in run.sentence(*command, *SMALL, "--resume", "--words", "a, b, c, d")
    run.ok(*command, *SMALL, "--overwrite", "--words", "a, b, c, d")
    assert metrics("out")["words"] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("name", ["coco-stuff", "pc59", "pc459", "voc20"])
def test_published_numbers_are_made_with_raw_words(name: str, run: Runner, tmp_path: Path) -> None:
    make(name, tmp_path / "set")
    (tmp_path / "masks").mkdir()
    for clip in open_dataset(f"{name}:{tmp_path / 'set'}").clips:
        with Image.open(clip.frames[0]) as image:
            Image.new("L", image.size).save(tmp_path / "masks" / f"{clip.frames[0].stem}.png")
    command = ("evaluate", "--data", f"{name}:set", "--predictions", "masks", "--out", "out")
    run.ok(*command, "--words", f"{name}-raw")
    assert metrics("out")["words"] == [str(label) for label in Vocabulary.parse(f"{name}-raw")]
    assert metrics("out")["word_list"] == f"{name}-raw@1"


def test_named_objects_among_any_words(run: Runner, tmp_path: Path) -> None:
    write_objects(tmp_path / "set", 3)
    command = ["evaluate", "--data", "folder:set"]
    out = run.ok(*command, "--out", "own", "--words", "horse, grass, person, swan", *SMALL)
    assert "object IoU" in out
    assert "mIoU" not in out
    assert metrics("own")["words"] == ["horse", "grass", "person", "swan"]
    run.ok(*command, "--out", "default", *SMALL)
    assert metrics("default")["words"][:4] == ["swan", "person | human", "horse", "grass"]
    table = run.ok("compare", "own", "default")
    assert "object IoU" in table
    assert "different words" in table
    for arguments, part in (
        (["--words", "horse, person"], "The object of the sequence 'lake' is 'swan'"),
        (["--words", "vspw", "--protocol", "vspw-80-44"], "leave --protocol out"),
    ):
        assert part in run.sentence(*command, *arguments)


def test_a_class_may_be_everything_else(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (4,), size=(48, 64))
    words = "other, road, person, tree"
    run.ok("evaluate", "--data", "folder:set", "--words", words, "--out", "model", *SMALL)
    assert metrics("model")["model"]["everything_else"] == 0
    for others, equal in (("--others", True), ("--no-others", False)):
        run.ok("segment", "set/data/v0/origin", words, others, "--out", others, "--format", "png", *SMALL)
        scored = ("--predictions", others, "--words", words, "--out", f"scored{others}")
        run.ok("evaluate", "--data", "folder:set", *scored)
        assert (metrics(f"scored{others}")["per_class"] == metrics("model")["per_class"]) == equal


def test_a_single_class_stays_alone(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (2,), size=(48, 64))
    (tmp_path / "set" / "classes.txt").write_text("0 sky\n")
    for mask in (tmp_path / "set").glob("data/*/mask/*.png"):
        Image.new("L", (64, 48)).save(mask)
    run.ok("evaluate", "--data", "folder:set", "--out", "one", *SMALL)
    assert metrics("one")["model"]["everything_else"] is None


def test_words_for_objects_may_mean_everything_else(run: Runner, tmp_path: Path) -> None:
    write_objects(tmp_path / "set", 2)
    found = {}
    for words in ("swan, person, horse", "swan, person, horse, background"):
        run.ok("evaluate", "--data", "folder:set", "--words", words, "--out", words, *SMALL)
        found[words] = metrics(words)["object_iou"]
    assert len(set(found.values())) == 2


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_killed_and_resumed_equals_uninterrupted(run: Runner, tmp_path: Path, stop: signal.Signals) -> None:
    write_set(tmp_path / "set", (6,) * 12, size=(48, 64))
    run.ok("evaluate", "--data", "folder:set", "--out", "whole", *SMALL)
    command = [sys.executable, "-m", "openvss", "evaluate", "--data", "folder:set", "--out", "cut", *SMALL]
    process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    partial, deadline = tmp_path / "cut" / ".partial", time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if len(list(partial.glob("*.npz"))) >= 3:
            process.send_signal(stop)
            break
        time.sleep(0.002)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if stop == signal.SIGKILL else 1), err
    if stop == signal.SIGTERM:
        assert b"--resume" in err
    assert not (tmp_path / "cut" / "metrics.json").exists()
    run.ok("evaluate", "--data", "folder:set", "--out", "cut", "--resume", *SMALL)
    assert snapshot(tmp_path / "cut") == snapshot(tmp_path / "whole")
    shutil.rmtree(tmp_path / "cut")
