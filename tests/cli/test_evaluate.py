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

from openvss.data import synthetic
from tests.cli.runner import Runner
from tests.evaluation.sets import snapshot, write_set

SMALL = ["--size", "32", "--device", "cpu"]


def metrics(folder: Path | str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(folder) / "metrics.json").read_text())
    return found


def test_a_model_then_its_masks_then_both_in_a_table(run: Runner, tmp_path: Path) -> None:
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
    table = run.ok("evaluate", "--compare", folder, "from-seg")
    assert "mIoU" in table
    assert f"{100 * model['miou']:.2f}" in table
    assert "cannot be compared" not in table


def test_comparing_marks_other_words(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (2,))
    run.ok("evaluate", "--data", "folder:set", "--out", "a", *SMALL)
    run.ok("evaluate", "--data", "folder:set", "--out", "b", "--words", "air, way, human, plant", *SMALL)
    table = run.ok("evaluate", "--compare", "a", "b")
    assert "* b cannot be compared with a: other words." in table
    listed = json.loads(run.ok("evaluate", "--compare", "a", "b", "--json"))
    assert listed["comparable"] is False
    assert listed["runs"][1]["differs"] == ["words"]


def test_json_lines(run: Runner, tmp_path: Path) -> None:
    synthetic.make("vspw", tmp_path / "vspw")
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
        (["--data", "nothing:set"], "no data set 'nothing'"),
        (["--data", "folder:missing"], "missing of folder does not exist"),
        (["--data", "folder:bare"], "v0 of folder:bare has no labels"),
        ([*data, "--split", "none"], "no images in the split 'none'"),
        ([*data, "--model", "huge"], "no model 'huge'"),
        ([*data, "--protocol", "odd"], "no protocol 'odd'"),
        ([*data, "--protocol", "vspw-80-44"], "a list of 124 words"),
        ([*data, "--words", "sky, road"], "--words has 2 labels, but folder has 4 classes"),
        ([*data, "--predictions", "empty"], "holds no predictions"),
        ([*data, "--predictions", "empty", "--model", "tiny"], "give one of them"),
        ([*data, "--predictions", "empty", "--size", "64"], "--size"),
        ([*data, "--out", "file"], "file in its way"),
        ([*data, "--resume", "--overwrite"], "only one of them"),
        (["set", *data], "set is not expected here"),
        (["--compare", "empty", "set"], "holds no finished evaluation"),
    ):
        assert part in run.sentence("evaluate", *arguments)
    assert not (tmp_path / "evaluated").exists()


def test_a_folder_that_holds_an_evaluation(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (2,))
    command = ["evaluate", "--data", "folder:set", "--out", "out"]
    run.ok(*command, *SMALL)
    assert "--resume" in run.sentence(*command, *SMALL)
    assert "words" in run.sentence(*command, *SMALL, "--resume", "--words", "a, b, c, d")
    run.ok(*command, *SMALL, "--overwrite", "--words", "a, b, c, d")
    assert metrics("out")["words"] == ["a", "b", "c", "d"]


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
