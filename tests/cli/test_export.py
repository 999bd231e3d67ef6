"""`openvss export`, and what it made as a model of other commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.runner import Runner


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for i in range(3):
        pixels = np.full((48, 64, 3), 40 * i, np.uint8)
        pixels[10:30, 5 * i : 5 * i + 20] = (200, 60, 40)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


def test_the_engine_is_part_of_the_run(run: Runner, frames: Path, exported: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    same = ("segment", frames, "dog, grass", "--out", out, "--size", "64", "--format", "png")
    run.ok(*same, "--model", exported)
    settings = json.loads((out / "run.json").read_text())
    assert settings["engine"] == "onnx"
    assert "onnxruntime" in settings["versions"]
    assert 'engine: "onnx" then, "torch" now' in run.sentence(*same, "--resume")


def test_onnx_needs_an_exported_folder(run: Runner, frames: Path) -> None:
    said = run.sentence("segment", frames, "dog", "--engine", "onnx")
    assert "make one with `openvss export tiny OUT`" in said


def test_a_model_that_looks_far_is_refused(run: Runner, tmp_path: Path) -> None:
    arguments = ("cffm++-b1", tmp_path / "out", "--untrained", "--option", "backbone=mit-nano")
    small = [f"--option={one}" for one in ("dim=32", "heads=4", "prototypes=20")]
    assert "because it summarises distant frames" in run.sentence("export", *arguments, *small)
    assert not (tmp_path / "out").exists()


def test_a_closed_set_model(run: Runner, tmp_path: Path, frames: Path) -> None:
    options = ("--untrained", "--option", "backbone=mit-nano", "--option", "words=road, sky, car")
    out = run.ok("export", "segformer-b1", tmp_path / "graphs", *options, "--pictures", frames)
    assert "100.000% of the labels agree" in out
    run.ok("segment", frames, "--model", tmp_path / "graphs", "--out", tmp_path / "out", "--size", "64")
    assert json.loads((tmp_path / "out/run.json").read_text())["words"] == "road, sky, car"


def test_words_of_its_own_cannot_be_baked_in(run: Runner, tmp_path: Path) -> None:
    options = ("--untrained", "--option", "backbone=mit-nano", "--words", "road")
    said = run.sentence("export", "segformer-b1", tmp_path, *options)
    assert "has words of its own: leave --words out" in said


def test_a_step_that_onnx_cannot_express(run: Runner, tmp_path: Path) -> None:
    small = [f"--option={one}" for one in ("backbone=mit-nano", "words=road, sky", "dim=32", "heads=4")]
    said = run.sentence("export", "cffm-b1", tmp_path / "out", "--untrained", *small)
    assert "cffm-b1 cannot be exported because ONNX has no form of its step fuse" in said
    assert not list(tmp_path.iterdir())
