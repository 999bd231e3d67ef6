"""What a run starts from, and what its checkpoints say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from openvss.errors import InputError
from openvss.models.ov2vss.presets import OV2VSSOptions
from openvss.models.registry import PRESETS
from openvss.models.stseg.keys import DECODER
from openvss.models.trained import load_model
from openvss.training.recipe.schema import Recipe
from openvss.training.start import build, options_for
from openvss.weights.checkpoint import save_model
from openvss.weights.lite0 import fold, imagenet_checkpoint
from tests.models.cffm import test_keys as test_cffm
from tests.models.stseg import test_keys as test_sed
from tests.training.small import recipe
from tests.weights.open_clip_files import State

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
