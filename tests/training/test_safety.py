"""What goes wrong ends with a sentence that says what to do, and leaves nothing broken."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from openvss.training import stepper
from openvss.training.data import batches
from openvss.training.data.batches import Batch
from openvss.training.runs import checkpoint as state
from tests.cli.runner import Runner
from tests.models.two_frame import TwoFrame
from tests.training.small import recipe, write


def failed(run: Runner, *arguments: Any) -> str:
    code, _, err = run(*arguments)
    assert code == 1
    (line,) = [line for line in err.splitlines() if line.startswith("openvss: ")]
    return line


def test_a_loss_that_is_no_number_names_its_batch(
    run: Runner, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = batches.Batches.__getitem__

    def spoilt(these: batches.Batches, number: int) -> Batch:
        batch = take(these, number)
        if number == 5:
            batch.frames[0, -1, 0, 3, 3] = float("nan")
        return batch

    settings = recipe(videos)
    settings["data"]["accumulate"] = 2
    file = write(tmp_path / "r.yaml", settings)
    with monkeypatch.context() as patch:
        patch.setattr(batches.Batches, "__getitem__", spoilt)
        line = failed(run, "train", file, "--out", "run", "--cpu")
    assert "loss is not finite in step 3" in line
    assert "optimiser.clip_norm" in line
    with safe_open(tmp_path / "run" / "bad-step-3.safetensors", framework="pt") as saved:
        assert set(saved.keys()) == {"0/frames", "0/labels", "0/context"}
        assert saved.get_tensor("0/frames").isnan().sum() == 1
        assert saved.metadata()["names"].count("frame") == 2
    run.ok("train", file, "--out", "run", "--cpu", "--resume")


def test_a_gradient_that_is_no_number(
    run: Runner, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steep(model: TwoFrame, output: Any, labels: Tensor, weights: None) -> dict[str, Tensor]:
        return {"loss": (output.logits.abs().mean() * 0).sqrt()}

    monkeypatch.setattr(TwoFrame, "loss", steep)
    line = failed(run, "train", write(tmp_path / "r.yaml", recipe(videos)), "--out", "run", "--cpu")
    assert "gradient is not finite in step 1" in line


@pytest.mark.parametrize(
    ("batch", "cap", "advice"),
    [
        (4, None, "lower data.batch to 2 and raise data.accumulate to 2"),
        (5, None, "lower data.batch to 1 and raise data.accumulate to 5"),
        (1, None, "words.cap, such as 54"),
        (1, 20, r"lower view.crop, such as to [32, 32]"),
    ],
)
def test_too_little_memory(
    run: Runner,
    videos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    batch: int,
    cap: int | None,
    advice: str,
) -> None:
    def full(one: stepper.Stepper, batch: Batch) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(stepper.Stepper, "_forward_and_back", full)
    settings = recipe(videos, words={"cap": cap}, view={"crop": [48, 48], "base": [48, 32]})
    settings["data"]["batch"] = batch
    line = failed(run, "train", write(tmp_path / "r.yaml", settings), "--out", "run", "--cpu")
    assert "Out of memory in step 1" in line
    assert advice in line


def test_other_errors_are_not_taken_for_memory(
    run: Runner, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(one: stepper.Stepper, batch: Batch) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(stepper.Stepper, "_forward_and_back", wrong)
    with pytest.raises(RuntimeError, match="shapes differ"):
        run("train", write(tmp_path / "r.yaml", recipe(videos)), "--out", "run", "--cpu")


def test_a_folder_that_cannot_be_written(
    run: Runner, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "r.yaml", recipe(videos))
    (tmp_path / "taken").write_text("")
    assert "a file is in the way" in run.sentence("train", file, "--out", "taken", "--cpu")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "run")
    assert "run is not writable" in failed(run, "train", file, "--out", "run", "--cpu")


def test_a_full_disk_is_found_before_the_first_step(
    run: Runner, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_step(*arguments: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(stepper.Stepper, "take", no_step)
    file = write(tmp_path / "r.yaml", recipe(videos))
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
        assert "MB left and the run needs" in failed(run, "train", file, "--out", "run", "--cpu")

    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(state, "save_file", full)
    line = failed(run, "train", file, "--out", "run", "--cpu", "--overwrite")
    assert "free some space" in line


def test_two_runs_in_one_folder(run: Runner, videos: Path, tmp_path: Path) -> None:
    from openvss.storage.lock import FolderLock

    (tmp_path / "run").mkdir()
    other = FolderLock(tmp_path / "run")
    other.acquire()
    file = write(tmp_path / "r.yaml", recipe(videos))
    assert "Another run is writing" in run.sentence("train", file, "--out", "run", "--cpu")
    other.release()
