"""What a round of pseudo-labels reports, and that a run without any ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from openvss.training.recipe.reader import read_stages
from openvss.training.run import RunOptions, train
from openvss.training.runs import log as journal
from openvss.training.runs.log import Watcher
from openvss.training.targets.report import summary, write_report
from openvss.training.targets.teacher import UnlabelledPicture
from tests.cli.runner import Runner
from tests.training.small import recipe, write
from tests.training.targets.coloured import NAMES, Colours, label

NONE, ALL = {"threshold": 1.0}, {"threshold": 0.0, "smallest": 0.0}
OPTIONS = {"prior": "none", "size": 32}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two pictures and two words, one of which is always more likely than not."""
    (tmp_path / "photos" / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in "ab":
        pixels = rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / "images" / f"{name}.png")
    (tmp_path / "photos" / "classes.txt").write_text("0 sky\n1 road\n")
    return tmp_path / "photos"


def settings(photos: Path, *others: dict[str, Any], **options: Any) -> dict[str, Any]:
    train = [{"set": f"folder:{photos}", "labels": "made"}, *others]
    made = {"maker": "pseudo-labels", "every": 2, "options": OPTIONS | options}
    return recipe(photos, data={"train": train, "batch": 2}, targets=made)


def test_the_rate_is_said_and_logged(run: Runner, photos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "r.yaml", settings(photos, **ALL))
    code, _, said = run("train", file, "--out", "run", "--cpu")
    assert code == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["labelled_words"] == []
    told = "".join(said.split())  # lines may break anywhere in a long path
    rate = f"folder:{photos} all: words passed the gate in 2 of 2 pictures (100 %)"
    assert told.count("".join(rate.split())) == 2
    assert "WARNING" not in told
    entries = journal.read(tmp_path / "run", "targets")
    assert [entry["step"] for entry in entries] == [0, 2]
    for entry in entries:
        assert entry["set"] == f"folder:{photos} all"
        assert (entry["pictures"], entry["pictures_with_words"]) == (2, 2)
        assert 0 < entry["labelled_pixels"] <= 1
        assert "pictures_of_word" not in entry
        assert entry["words_a_picture"] == 2


def test_a_round_without_labels_is_an_error(run: Runner, photos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "r.yaml", settings(photos, **NONE))
    for again in ([], ["--resume"]):
        code, _, said = run("train", file, "--out", "run", "--cpu", *again)
        assert code == 1
        told = " ".join(said.split())
        assert "No pixel of the 2 pictures got a label (words passed the gate in 0 of them)" in told
        assert "lower targets.options.threshold" in told


def test_a_set_without_labels_beside_others_is_a_warning(
    run: Runner, photos: Path, images: Path, tmp_path: Path
) -> None:
    others = {"set": f"folder:{images}", "classes": "unseen"}
    file = write(tmp_path / "r.yaml", settings(photos, others, **NONE))
    code, _, said = run("train", file, "--out", "run", "--cpu")
    assert code == 0
    told = " ".join(said.split())
    assert "words passed the gate in 0 of 2 pictures (0 %), 0.0 a picture; 0.0 % of the pixels" in told
    assert "WARNING: nothing is learnt from it in this round" in told


def test_a_run_that_is_resumed_in_a_round_logs_it_once(photos: Path, tmp_path: Path) -> None:
    content = settings(photos, **ALL) | {"saving": {"every": 1}}
    content["targets"]["every"] = 4
    stages = read_stages(write(tmp_path / "r.yaml", content))
    said: list[str] = []

    def breaks_off(done: int, total: int, entry: object) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(stages, tmp_path / "run", RunOptions(cpu=True), Watcher(said.append, breaks_off))
    train(stages, tmp_path / "run", RunOptions(cpu=True, resume=True), Watcher(said.append))
    assert [entry["step"] for entry in journal.read(tmp_path / "run", "targets")] == [0]
    assert sum("passed the gate" in line for line in said) == 1
    assert "resuming after step 1" in said


def test_report(tmp_path: Path, pictures: list[UnlabelledPicture]) -> None:
    done = label(tmp_path, pictures, Colours())
    numbers = write_report(done, pictures)
    assert numbers == json.loads((tmp_path / "report.json").read_text())
    assert numbers["pictures_of_word"] == {"red": 2, "green": 1, "blue": 1}
    assert numbers["labelled_pixels"] == pytest.approx(5 / 8)
    assert numbers["changed_pixels"] == pytest.approx(1 / 8)
    with Image.open(tmp_path / "before_after.png") as sheet:
        assert sheet.size[0] > 3 * 400


def test_summary_counts_what_never_passed() -> None:
    nothing = {"words": [], "drifted": [], "labelled": 0.0, "changed": 0.0}
    one = {"words": [0, 2], "drifted": [1, 0], "labelled": 1.0, "changed": 0.5}
    numbers = summary([nothing, one], NAMES)
    assert numbers["pictures_with_words"] == 1
    assert numbers["words_a_picture"] == 1.0
    assert numbers["drifted_masks"] == 0.5
    assert numbers["words_that_never_passed"] == 1
