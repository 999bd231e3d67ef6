"""A package that is not ours adds a model by its entry point alone, and every command takes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from openvss.models.base import VideoModel
from openvss.models.preset import Preset
from openvss.models.registry import PRESETS, build_model
from openvss.plugs import Table
from openvss.weights.checkpoint import read_metadata
from tests.cli.runner import Runner
from tests.evaluation.sets import WORDS, write_set
from tests.models.suite import VideoModelSuite
from tests.training.small import recipe, write
from tests.video.clips import write_clip

SITE = Path(__file__).parent / "site"
SMALL = ("--size", "32", "--device", "cpu")


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package lies where Python looks for packages, and nothing of it is imported yet."""
    monkeypatch.syspath_prepend(SITE)
    monkeypatch.setattr(PRESETS, "_found", None)
    monkeypatch.setattr(PRESETS, "_entries", dict(PRESETS._entries))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "hues"]:
        del sys.modules[name]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Runner:
    monkeypatch.chdir(tmp_path)
    return Runner(monkeypatch, capsys)


class TestHues(VideoModelSuite):
    def build(self) -> VideoModel:
        return build_model("hues")


def test_a_name_imports_nothing() -> None:
    assert "hues" in PRESETS
    assert "hues" not in sys.modules
    assert PRESETS["hues"].summary == "3x3 convolutions and a reference frame"
    assert "hues.model" not in sys.modules  # only who builds it needs the model itself
    assert build_model("hues", {"back": 6}).references == (6,)


def test_it_is_trained_evaluated_and_streamed(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (4, 3))
    data = {"train": [{"set": "folder:set"}], "batch": 2, "workers": 0}
    model = {"preset": "hues", "options": {"width": 4}}
    file = write(tmp_path / "r.yaml", recipe(tmp_path, model=model, data=data, schedule={"steps": 3}))
    run.ok("train", file, "--out", "run", "--cpu")
    note = read_metadata(tmp_path / "run" / "last.safetensors")
    assert (note.preset, note.options) == ("hues", {"width": 4, "back": 3})

    run.ok("evaluate", "--data", "folder:set", "--model", "run", "--out", "scores", *SMALL)
    assert 0 < json.loads((tmp_path / "scores" / "metrics.json").read_text())["miou"] < 1

    segment = ("segment", "set/data/v0/origin", "sky, road", "--out", "out", "--format", "png", *SMALL)
    run.ok(*segment, "--model", "run")
    assert len(list((tmp_path / "out" / "masks").glob("*.png"))) == 4

    assert "model: hues: 3x3 convolutions" in run.ok("models", "show", "run")
    assert "option width: 8 unless given" in run.ok("models", "show", "hues")
    assert "hues has no option 'depth': choose one of width, back" in run.sentence(
        *segment, "--model", "hues", "--untrained", "--option", "depth=3"
    )
    assert "did you mean hues?" in run.sentence("models", "show", "hue")


def test_another_process_finds_it_too(tmp_path: Path) -> None:
    """Without torch as long as it only lists models."""
    write_clip(tmp_path / "clip.mp4", n=5)
    segment = ["segment", "clip.mp4", ", ".join(WORDS), "--model", "hues", "--untrained", "--out", "out"]
    code = f"""
import json, sys
from openvss import cli

def run(*arguments):
    sys.argv = ["openvss", *arguments]
    try:
        cli.main()
    except SystemExit as end:
        assert not end.code

run("models", "--json")
assert "hues.presets" in sys.modules and "torch" not in sys.modules
run(*{[*segment, "--format", "png", *SMALL]!r})
"""
    paths = os.pathsep.join([str(SITE), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"name": "hues"' in done.stdout
    assert len(list((tmp_path / "out" / "masks").glob("*.png"))) == 5


def test_the_entry_point_is_all_that_it_needs() -> None:
    assert isinstance(PRESETS, Table)
    assert isinstance(PRESETS["hues"], Preset)
    assert PRESETS["hues"] is import_module("hues.presets").HUES
