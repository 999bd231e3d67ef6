"""Contexts of whole videos that are made once: by all processes, as in testing, and not twice."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from openvss.data.catalogue import open_dataset
from openvss.data.protocol import PLAIN
from openvss.errors import InputError
from openvss.evaluation.protocol import find_protocol
from openvss.evaluation.streaming import ModelPredictions
from openvss.models.base import FrameFeatures, VideoModel
from openvss.models.registry import build_model
from openvss.segmenting.segmenter import Segmenter
from openvss.training.data.training_set import context_file
from openvss.training.runs import log as journal
from openvss.training.targets import contexts, rounds
from openvss.training.targets.maker import Maker, TargetRequest
from tests.models.two_frame import TwoFrame
from tests.training.processes import train_here, train_together
from tests.training.small import recipe, toy_videos, write

PLACE = Path("targets") / "000" / "0" / "contexts"


class Counting(TwoFrame):
    """Chooses five frames, and notes how many are encoded at once."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[int] = []

    def encode(self, frames: Tensor) -> FrameFeatures:
        self.encoded.append(len(frames))
        return super().encode(frames)

    def context_frames(self, t: int, n_frames: int) -> list[int]:
        return [0, 2, 3, 5, t]


def request(root: Path, folder: Path, model: VideoModel, **options: Any) -> TargetRequest:
    dataset = open_dataset(f"folder:{root}", "train")
    return TargetRequest(model.eval(), dataset, dataset.vocabulary, folder, options, lambda done: None)


def test_two_processes_make_what_one_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    videos, own = toy_videos(tmp_path / "videos", videos=3), contexts._write
    settings = recipe(videos, clip={"context": "made"}, targets={"maker": "contexts"}, schedule={"steps": 2})

    def note(file: Path, context: dict[str, Tensor]) -> None:
        (tmp_path / f"{file.stem} by {os.environ.get('RANK')}").touch()
        own(file, context)

    monkeypatch.setattr(contexts, "_write", note)
    assert train_together(write(tmp_path / "pair.yaml", settings), tmp_path / "pair", 2) == [0, 0]
    by = {path.name for path in tmp_path.glob("* by *")}
    assert by == {"train_000 by 0", "train_001 by 1", "train_002 by 0"}
    doubled = {**settings, "data": {**settings["data"], "accumulate": 2}}
    train_here(write(tmp_path / "alone.yaml", doubled), tmp_path / "alone")
    made = [{p.name: p.read_bytes() for p in (tmp_path / run / PLACE).iterdir()} for run in ("pair", "alone")]
    assert made[0] == made[1]
    assert len(made[0]) == 3
    losses = [[e["loss"] for e in journal.read(tmp_path / run, "train")] for run in ("pair", "alone")]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_what_is_made_is_kept(videos: Path, tmp_path: Path) -> None:
    """An interrupted maker continues with the missing videos."""
    job = request(videos, tmp_path, Counting())
    contexts.contexts(job)
    first, second = (context_file(tmp_path, clip) for clip in job.dataset.clips)
    whole = second.read_bytes()
    first.write_bytes(b"kept")
    second.unlink()
    told: list[int] = []
    contexts.contexts(replace(job, update=told.append))
    assert first.read_bytes() == b"kept"
    assert second.read_bytes() == whole
    assert told == [0, 1, 2]
    maker = Maker(contexts.contexts)
    rounds.finish(maker, job)
    second.unlink()
    rounds.fill(maker, job)
    assert not second.exists()


@pytest.mark.parametrize(("options", "encoded"), [({}, [5, 5]), ({"batch": 2}, [2, 2, 1, 2, 2, 1])])
def test_frames_are_encoded_in_batches(
    videos: Path, tmp_path: Path, options: dict[str, int], encoded: list[int]
) -> None:
    torch.manual_seed(0)
    one, model = Counting(), Counting()
    model.load_state_dict(one.state_dict())
    contexts.contexts(request(videos, tmp_path / "one", one, batch=1))
    contexts.contexts(request(videos, tmp_path / "batches", model, **options))
    assert model.encoded == encoded
    for file in (tmp_path / "one" / "contexts").iterdir():
        expected = load_file(file)["mean"]
        found = load_file(tmp_path / "batches" / "contexts" / file.name)["mean"]
        torch.testing.assert_close(found, expected)


def test_prototypes_are_those_of_testing(videos: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    parts = {"backbone": "mit-nano", "words": "road, sky", "layers": 1, "dim": 16, "heads": 2}
    model = build_model("cffm++-b1", {**parts, "prototypes": 4, "frames": 3}).eval()
    job = request(videos, tmp_path, model, size=64)
    contexts.contexts(job)
    segmenter = Segmenter(model, "road, sky", size=64, device="cpu", context="whole")
    rules = find_protocol(PLAIN, segmenter.vocabulary)
    for clip in job.dataset.clips:
        next(iter(ModelPredictions(segmenter, rules, {}).of(clip)))
        assert segmenter.state.context is not None
        expected = segmenter.state.context["prototypes"]
        assert expected.shape == (1, 4, 16)
        found = load_file(context_file(tmp_path, clip))["prototypes"]
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("options", [{"size": "large"}, {"batch": 0}, {"frames": 3}])
def test_mistakes_are_named(videos: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"targets.options.{next(iter(options))} of the recipe is wrong"):
        contexts.contexts(request(videos, tmp_path, TwoFrame(), **options))
