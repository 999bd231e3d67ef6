"""`openvss submit` as a user meets it."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from openvss.data.make import make
from openvss.errors import Stopped
from openvss.evaluation.submission import Submission
from tests.cli.runner import Runner
from tests.evaluation.sets import write_set

SMALL = ["--size", "32", "--device", "cpu"]


def submitted(path: Path) -> dict[str, npt.NDArray[np.uint8]]:
    found = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with Image.open(io.BytesIO(archive.read(name))) as image:
                found[name] = np.array(image)
    return found


def score(path: Path | str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(path) / "metrics.json").read_text())
    return found


def test_a_submission_holds_what_was_scored(run: Runner, tmp_path: Path) -> None:
    make("vspw", tmp_path / "vspw")
    run.ok("evaluate", "--data", "vspw:vspw", "--out", "direct", *SMALL)
    assert "s.zip" in run.ok("submit", "direct", "--out", "s.zip")
    frames = submitted(tmp_path / "s.zip")
    assert len(frames) == score("direct")["data"]["frames"]
    for name, ids in frames.items():
        target = tmp_path / "unpacked" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(ids).save(target)
    run.ok("evaluate", "--data", "vspw:vspw", "--predictions", "unpacked", "--out", "again")
    for key in ("miou", "per_class", "consistency"):
        assert score("again")[key] == score("direct")[key]

    command = ["submit", "--data", "vspw:vspw"]
    before = (tmp_path / "s.zip").read_bytes()
    assert "s.zip already exists" in run.sentence(*command, "--out", "s.zip", *SMALL)
    assert (tmp_path / "s.zip").read_bytes() == before
    run.ok(*command, "--out", "s.zip", "--overwrite", *SMALL)
    assert (tmp_path / "s.zip").read_bytes() == before
    run.ok(*command, "--predictions", "unpacked", "--out", "masks.zip")
    assert (tmp_path / "masks.zip").read_bytes() == before
    event = json.loads(run.ok("submit", "again", "--out", "run.zip", "--json").splitlines()[-1])
    assert event == {"event": "done", "out": "run.zip", "frames": len(frames)}
    assert (tmp_path / "run.zip").read_bytes() == before


def test_a_split_without_labels_gives_the_same_submission(run: Runner, tmp_path: Path) -> None:
    make("vspw", tmp_path / "vspw")
    command = ["submit", "--data", "vspw:vspw"]
    run.ok(*command, "--out", "labelled.zip", *SMALL)
    for masks in (tmp_path / "vspw" / "data").glob("*/mask"):
        shutil.rmtree(masks)
    assert "no labels" in run.sentence("evaluate", "--data", "vspw:vspw", *SMALL)
    assert "this split has none" in run.sentence(*command, "--predictions", "vspw")
    assert "17 frames predicted" in run.ok(*command, "--out", "s.zip", *SMALL)
    assert (tmp_path / "s.zip").read_bytes() == (tmp_path / "labelled.zip").read_bytes()


def test_a_stopped_submission_starts_again(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("vspw", tmp_path / "vspw")
    command = ["submit", "--data", "vspw:vspw", "--out", "s.zip", *SMALL]

    def stop(*_: object) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(Submission, "add", stop)
        code, _, err = run(*command)
    assert code == 1
    assert "the same command starts again" in err
    assert "--resume" not in err
    assert not list(tmp_path.glob("s.zip*"))
    run.ok(*command)
    assert len(submitted(tmp_path / "s.zip")) == 17


def test_bad_arguments_for_a_submission(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (2,))
    make("vspw", tmp_path / "vspw")
    run.ok("evaluate", "--data", "folder:set", "--out", "scored", *SMALL)
    for arguments, part in (
        ([], "There is nothing to submit"),
        (["--data", "folder:set"], "--data vspw:root"),
        (["scored"], "--data vspw:root"),
        (["set"], "holds no finished evaluation"),
        (["scored", "--data", "vspw:vspw", "--size", "32"], "leave out --data and --size"),
        (["--data", "vspw:vspw", "--model", "tiny", "--predictions", "set"], "give one of them"),
        (["--data", "vspw:vspw", "--size", "32", "--predictions", "set"], "--size cannot be combined with"),
        (["--data", "vspw:vspw", "--out", "set", "--overwrite"], "set is a folder"),
        (["--data", "vspw:vspw", "--out", "no/s.zip"], "in no, which is not a folder"),
        (["--data", "vspw:vspw", "--resume"], "No such option: --resume"),
    ):
        assert part in run.sentence("submit", *arguments)
    assert not list(tmp_path.glob("*.zip"))
