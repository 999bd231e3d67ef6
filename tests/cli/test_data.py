"""`openvss data make|check|overlap|prepare` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from openvss.data import check as checking
from openvss.data.make import layouts, make
from openvss.data.synthetic.job import RenderOptions
from openvss.errors import Stopped
from tests.cli.runner import Runner
from tests.evaluation.sets import snapshot, write_set


def test_made_data_are_well_and_can_be_scored(run: Runner, tmp_path: Path) -> None:
    for layout in layouts():
        run.ok("data", "make", layout, layout)
        name = layout.split("-")[0] if layout.startswith("folder") else layout
        assert "All is well with" in run.ok("data", "check", f"{name}:{layout}")
    run.ok("data", "make", "vspw", "again", "--seed", "0")
    run.ok("data", "make", "vspw", "other", "--seed", "1")
    assert snapshot(tmp_path / "again") == snapshot(tmp_path / "vspw")
    assert snapshot(tmp_path / "other") != snapshot(tmp_path / "vspw")


def test_check_names_every_problem(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (3,))
    masks = tmp_path / "set" / "data" / "v0" / "mask"
    Image.new("RGB", (32, 24)).save(masks / "0000.png")
    Image.new("L", (32, 23)).save(masks / "0001.png")
    Image.new("L", (32, 24), 9).save(masks / "0002.png")
    code, out, err = run("data", "check", "folder:set")
    assert code == 2
    for name in ("0000.png", "0001.png", "0002.png"):
        assert name in out
    assert "folder:set has 3 problems" in err
    code, out, _ = run("data", "check", "folder:set", "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 2
    assert [event["event"] for event in events if event["event"] != "progress"] == [
        *["problem"] * 3,
        "error",
    ]


def test_the_progress_of_a_check_counts_clips(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("openvss.cli.progress.EVERY", 0)
    write_set(tmp_path / "set", (3, 2))
    events = [json.loads(line) for line in run.ok("data", "check", "folder:set", "--json").splitlines()]
    assert [(event["clips"], event["total"]) for event in events[:-1]] == [(1, 2), (2, 2)]
    assert "2 videos, 5 frames" in events[-1]["summary"]


def test_overlap_of_consecutive_masks(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (6, 2))
    assert run.ok("data", "overlap", "folder:set") == (
        "mIoU 100.0 %, and 100.0 % of the pixels keep their label: 6 pairs of consecutive frames.\n"
    )
    assert "2 pairs of frames 4 apart" in run.ok("data", "overlap", "folder:set", "--gap", "4")
    done = json.loads(run.ok("data", "overlap", "folder:set", "--json").splitlines()[-1])
    assert done == {"event": "done", "pairs": 6, "miou": 1.0, "kept": 1.0, "gap": 1}
    assert "no split" in run.sentence("data", "overlap", "vspw:set", "--split", "all")


def test_prepare_makes_labels_once(run: Runner, tmp_path: Path) -> None:
    make("coco-stuff", tmp_path / "coco", options=RenderOptions(raw=True))
    first = json.loads(run.ok("data", "prepare", "coco-stuff", "coco", "--json").splitlines()[-1])
    assert first["event"] == "done"
    assert first["made"] > 0
    assert "0 label files made" in run.ok("data", "prepare", "coco-stuff", "coco")
    assert "All is well" in run.ok("data", "check", "coco-stuff:coco")


def test_bad_arguments_are_one_sentence_and_exit_code_2(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for arguments, part in (
        (["make", "nothing", "new"], "Unknown layout 'nothing'"),
        (["make", "vspw", "full"], "full is not empty"),
        (["check", "nothing:full"], "has 1 problem"),
        (["prepare", "vspw", "full"], "read as it was released"),
        (["prepare", "coco-stuff", "missing"], "does not exist"),
    ):
        assert part in run.sentence("data", *arguments)
    assert not (tmp_path / "new").exists()


def test_stopped_work_says_how_to_go_on(run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (2,))

    def stopped(*_: object) -> None:
        raise Stopped

    monkeypatch.setattr(checking, "check", stopped)
    code, _, err = run("data", "check", "folder:set")
    assert code == 1
    assert "Stopped before everything was checked" in err
    assert "--resume" not in err
