"""Plans, lists and curves of runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from openvss.evaluation.pictures.curves import Curve, Panel, draw_curves, scale
from openvss.training.runs import folder as run_folder
from openvss.training.runs.listing import find_runs, panels_of
from tests.cli.runner import Runner
from tests.training.small import recipe, write


def test_dry_run_leaves_nothing(run: Runner, videos: Path, tmp_path: Path) -> None:
    on = [{"set": f"folder:{videos}", "split": "val"}]
    settings = recipe(
        videos, validation={"on": on, "every": 3}, optimiser={"lr": 1e-3, "rates": {"stem": 0.1}}
    )
    settings["stages"] = [{"name": "one"}, {"name": "two", "model": {"freeze": ["look"]}}]
    text = run.ok("train", write(tmp_path / "r.yaml", settings), "--dry-run", "--cpu")
    assert [path.name for path in tmp_path.iterdir()] == ["r.yaml"]
    assert "stage one" in text
    assert "2 clips, 16 samples, 108 words, weight 1" in text
    assert "2 samples a step, 8 in all: 0.5 times each" in text
    assert "432 at rate 0.0001 (0.1 of optimiser.lr), decay 0.01: stem\n" in text
    assert " at rate 0.001, decay 0.01: " in text
    assert "544 frozen" in text
    assert "at most in 3 steps" in text
    assert "4 steps of " in text
    assert "and 2 validations of 16 frames" in text


def test_list_and_compare(run: Runner, videos: Path, tmp_path: Path) -> None:
    on = [{"set": f"folder:{videos}", "split": "val", "videos": 1}]
    validation = {"on": on, "every": 2, "best": "miou"}
    file = write(tmp_path / "r.yaml", recipe(videos, validation=validation))
    for seed in (0, 1):
        run.ok("train", file, "--out", f"runs/s{seed}", "--cpu", "--set", f"seed={seed}")
    rows = json.loads(run.ok("runs", "list", "--json"))
    assert [row["path"] for row in rows] == ["runs/s0", "runs/s1"]
    assert {row["status"] for row in rows} == {"finished"}
    assert rows[0]["metric"] == "miou"
    assert rows[0]["step"] == rows[0]["steps"] == 4
    assert "two-frame" in run.ok("runs", "list")
    (tmp_path / "none").mkdir()
    assert run.ok("runs", "list", "none") == "There are no runs in none: start one with `openvss train`.\n"
    run.ok("runs", "compare", "runs/s0", "runs/s1", "--out", "both.png")
    with Image.open(tmp_path / "both.png") as picture:
        assert picture.size[0] > 600
    panels = panels_of([tmp_path / "runs" / "s0", tmp_path / "runs" / "s1"])
    assert [panel.title for panel in panels][:2] == ["loss", "miou"]
    assert [curve.name for curve in panels[0].curves] == ["s0", "s1"]
    assert (tmp_path / "runs" / "s0" / "curves.png").is_file()
    assert "is not a training run" in run.sentence("runs", "compare", "runs")


def test_a_killed_run_is_not_running(run: Runner, videos: Path, tmp_path: Path) -> None:
    run.ok("train", write(tmp_path / "r.yaml", recipe(videos)), "--out", "runs/a", "--cpu")
    path = tmp_path / "runs" / "a" / run_folder.STATUS
    path.write_text(json.dumps({**json.loads(path.read_text()), "status": "running"}))
    assert find_runs(tmp_path / "runs")[0].status == "killed"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 1.0, (0, 1, 0.2)), (4.41, 5.3, (4.4, 5.4, 0.2)), (0.0, 0.0, (0, 0.2, 0.2)), (-3, 7, (-4, 8, 2))],
)
def test_axes_end_at_round_numbers(low: float, high: float, expected: tuple[float, float, float]) -> None:
    assert scale(low, high) == pytest.approx(expected)


def test_curves_with_gaps_and_single_points() -> None:
    curves = [Curve("a", [1, 2, 3], [1.0, float("nan"), 2.0]), Curve("b", [2], [1.5]), Curve("c", [], [])]
    assert draw_curves([Panel("loss", curves)], "title").size[0] > 600


def test_tensorboard(run: Runner, videos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "r.yaml", recipe(videos, saving={"tensorboard": True, "log_every": 1}))
    run.ok("train", file, "--out", "run", "--cpu")
    assert any((tmp_path / "run" / "tensorboard").glob("events.out.*"))
