"""What a stage is put together from, of our own parts or of others; and what it takes from checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import Dataset

from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.ov2vss.presets import OV2VSSOptions
from openvss.models.registry import PRESETS, build_model
from openvss.models.stseg.keys import DECODER
from openvss.models.trained import load_model
from openvss.training import setup as parts
from openvss.training.data.batches import TrainingData
from openvss.training.data.vocabulary import Joint
from openvss.training.optimisation import groups_of
from openvss.training.recipe.schema import Recipe
from openvss.training.run import RunOptions, train_stage
from openvss.training.runs import log as journal
from openvss.training.runs.log import Watcher
from openvss.training.setup import TrainingSetup, accelerate_for, build, options_for
from openvss.training.stepper import Stepper
from openvss.weights.checkpoint import save_model
from openvss.weights.lite0 import fold, imagenet_checkpoint
from openvss.words.vocabulary import Vocabulary
from tests.models.cffm import test_keys as test_cffm
from tests.models.stseg import test_keys as test_sed
from tests.models.two_frame import TwoFrame
from tests.training.small import recipe
from tests.weights.open_clip_files import State


@dataclass(frozen=True, eq=False)
class Features:
    number: int
    maps: Tensor
    names: tuple[str, ...] = ("a map",)
    words: tuple[int, ...] = ()

    def to(self, device: torch.device) -> Features:
        return replace(self, maps=self.maps.to(device))

    def tensors(self) -> dict[str, Tensor]:
        return {"maps": self.maps}


class Cached(Dataset[Features]):
    def __getitem__(self, number: int) -> Features:
        return Features(number, torch.randn(2, 16, generator=torch.Generator().manual_seed(number)))


class Shrink(nn.Module):
    """Teaches one layer to give back nothing."""

    def __init__(self, model: TwoFrame) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Features) -> dict[str, Tensor]:
        noise = torch.randn(2, 16) * 0.1  # seeded by the batch's number
        return {"size": self.model.far(batch.maps + noise).square().mean()}


def assemble(recipe: Recipe, folder: Path, cpu: bool) -> TrainingSetup:
    accelerator = accelerate_for(recipe, cpu=cpu)
    model: VideoModel
    model, taken = build(recipe)
    assert isinstance(model, TwoFrame)
    groups = groups_of(model, recipe.optimiser)
    data = TrainingData((), Joint(Vocabulary(()), (), ()), Cached())
    stepper = Stepper(recipe, accelerator, Shrink(model), groups, folder)
    return TrainingSetup(accelerator, model, taken, data, [], groups, stepper, None)


@pytest.fixture
def own_switches() -> Iterator[None]:
    """What a recipe switches for the whole process, as it was."""
    matmul, cudnn = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, cudnn
    torch.use_deterministic_algorithms(False)


def switched(tmp_path: Path, *, gpu: bool, **changes: bool) -> tuple[bool, bool, bool, bool]:
    """TF32 in products and in convolutions; deterministic, and with warnings alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: gpu)
        patch.setattr(parts, "Accelerator", lambda **_: SimpleNamespace(distributed_type=None))
        accelerate_for(Recipe.model_validate(recipe(tmp_path, **changes)), cpu=not gpu)
    return (
        torch.backends.cuda.matmul.allow_tf32,
        torch.backends.cudnn.allow_tf32,
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


@pytest.mark.usefixtures("own_switches")
def test_what_a_recipe_switches_on_a_gpu(tmp_path: Path) -> None:
    assert switched(tmp_path, gpu=True) == (True, True, False, False)
    assert switched(tmp_path, gpu=True, tf32=False) == (False, False, False, False)
    assert switched(tmp_path, gpu=True, tf32=False, deterministic=True) == (False, False, True, True)
    assert switched(tmp_path, gpu=True) == (True, True, False, False)


@pytest.mark.usefixtures("own_switches")
def test_what_it_switches_without_one(tmp_path: Path) -> None:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    assert switched(tmp_path, gpu=False) == (*before, False, False)
    assert switched(tmp_path, gpu=False, deterministic=True) == (*before, True, False)


@pytest.mark.parametrize(
    ("device", "processes", "shared"), [("cuda", 4, True), ("cuda", 1, False), ("cpu", 4, False)]
)
def test_batch_norms_are_of_all_processes_on_gpus(device: str, processes: int, shared: bool) -> None:
    options = {"backbone": "mit-nano", "words": "road, sky", "layers": 1, "dim": 16, "heads": 2}
    model = build_model("cffm-b1", options)
    before = dict(model.named_parameters())
    accelerator = SimpleNamespace(num_processes=processes, device=torch.device(device))
    found = parts.with_shared_norms(model, cast("Accelerator", accelerator))
    assert isinstance(found.get_submodule("head.norm"), nn.SyncBatchNorm) == shared
    assert all(before[name] is parameter for name, parameter in found.named_parameters())
    assert found.state_dict().keys() == model.state_dict().keys()


def test_a_run_shares_its_norms(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[VideoModel, int]] = []

    def note(model: VideoModel, accelerator: Accelerator) -> VideoModel:
        given.append((model, accelerator.num_processes))
        return model

    monkeypatch.setattr(parts, "with_shared_norms", note)
    made = parts.assemble(Recipe.model_validate(recipe(videos)), tmp_path, cpu=True)
    assert given == [(made.model, 1)]


@pytest.mark.parametrize("stop", [3, 7])
def test_own_batches_and_pass(tmp_path: Path, stop: int) -> None:
    settings = Recipe.model_validate(recipe(tmp_path, schedule={"steps": 10}, optimiser={"lr": 0.03}))

    class Halt(Exception):
        pass

    def halt(done: int, total: int, entry: object) -> None:
        if done == stop:
            raise Halt

    train_stage(settings, tmp_path / "whole", RunOptions(cpu=True), Watcher(), assemble)
    with pytest.raises(Halt):
        train_stage(settings, tmp_path / "cut", RunOptions(cpu=True), Watcher(step=halt), assemble)
    train_stage(settings, tmp_path / "cut", RunOptions(cpu=True, resume=True), Watcher(), assemble)
    sizes = [entry["size"] for entry in journal.read(tmp_path / "whole", "train")]
    assert sizes[-1] < sizes[0]
    states = [load_file(tmp_path / name / "state.safetensors") for name in ("whole", "cut")]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


SED = {"pair": "clip-convnext-nano", "templates": "plain", "square": None, "width": 32}
SMALL = OV2VSSOptions(backbone="mit-nano", pair="clip-nano", channels=16, heads=2, pool=8)


@pytest.fixture(autouse=True)
def _small_video_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "small", replace(PRESETS["ov2vss-mit-b2"], options=SMALL))


def parsed(root: Path, **changes: object) -> Recipe:
    return Recipe.model_validate(recipe(root, **changes))


def test_published_weights(tmp_path: Path) -> None:
    options = {"backbone": "lite0", "words": "road, sky"}
    model, _ = build(
        parsed(tmp_path, model={"preset": "segformer-b0", "options": options, "pretrained": True})
    )
    state = model.state_dict()
    for name, value in fold(imagenet_checkpoint()).items():
        assert torch.equal(state[f"backbone.{name}"], value)
    with pytest.raises(InputError, match="No part of two-frame has published weights"):
        build(parsed(tmp_path, model={"preset": "two-frame", "pretrained": True}))


def test_a_checkpoint_looks_back_as_far_as_its_training_did(tmp_path: Path) -> None:
    own = parsed(tmp_path, model={"preset": "small"}, clip={"references": [4, 2]})
    model, _ = build(own)
    save_model(model, tmp_path / "a.safetensors", "small", options_for(own))
    assert load_model(str(tmp_path / "a.safetensors")).references == model.references == (4, 2)


def test_models_that_look_back_at_nothing_take_no_references(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="references is set, but segformer-b0 has no option"):
        build(parsed(tmp_path, model={"preset": "segformer-b0"}, clip={"references": [3]}))


def test_a_checkpoint_does_not_depend_on_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = parsed(tmp_path, model={"preset": "small", "options": {"regions": 3}})
    model, _ = build(own)
    save_model(model, tmp_path / "a.safetensors", "small", options_for(own))
    later = replace(PRESETS["small"], options=replace(SMALL, channels=32))
    monkeypatch.setitem(PRESETS, "small", later)
    load_model(str(tmp_path / "a.safetensors"))


@pytest.mark.parametrize(
    ("preset", "options", "theirs", "theirs_of"),
    [
        ("sed-b", SED, test_sed.checkpoint(1), {"decoder.embed.bias": f"{DECODER}conv1.bias"}),
        (
            "stseg-b",
            SED | {"sam": "nano"},
            test_sed.checkpoint(1),
            {"decoder.head.bias": f"{DECODER}head.bias"},
        ),
        (
            "cffm-b1",
            test_cffm.OPTIONS,
            test_cffm.checkpoint(layers=2),
            {"classifier.project.bias": "decode_head.linear_pred2.bias"},
        ),
        (
            "segformer-b0",
            test_cffm.OPTIONS,
            test_cffm.checkpoint(),
            {"classifier.project.bias": "decode_head.linear_pred.bias"},
        ),
    ],
    ids=["sed", "stseg", "cffm", "segformer"],
)
def test_files_of_the_authors_start_training(
    tmp_path: Path, preset: str, options: dict[str, object], theirs: State, theirs_of: dict[str, str]
) -> None:
    file = tmp_path / "released.pth"
    torch.save({"state_dict": {name: value.float() for name, value in theirs.items()}}, file)
    settings = {"preset": preset, "options": options, "init_from": str(file)}
    model, taken = build(parsed(tmp_path, model=settings))
    assert taken is not None
    assert not taken.unused
    assert not taken.reshaped
    lacking = {name.partition(".")[0] for name in taken.missing}
    assert lacking == ({"dea", "sam"} if preset == "stseg-b" else set())
    for ours, name in theirs_of.items():
        assert torch.equal(model.state_dict()[ours], theirs[name].float())
