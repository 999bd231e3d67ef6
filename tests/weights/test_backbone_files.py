"""Key maps of the backbones: full cover, the same function, and files of transformers' own models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    ResNetForImageClassification,
    SamConfig,
    SamModel,
    SegformerForImageClassification,
    SegformerForSemanticSegmentation,
)

from openvss.errors import InputError
from openvss.models.encoders import mit as mits
from openvss.models.encoders.backbones import backbone
from openvss.models.encoders.mit import MiT
from openvss.models.encoders.resnet import ResNet
from openvss.models.encoders.vit import ViT
from openvss.weights.checkpoint import load_state
from openvss.weights.mit import mit
from openvss.weights.resnet import resnet
from openvss.weights.sam import image_encoder
from openvss.weights.strict import compare, fill
from tests.weights.mit_files import mit_maps, mit_shapes
from tests.weights.open_clip_files import random_state

SMALL = mits.MiTPlan(None, (2, 1, 1, 1), (8, 16, 24, 32), heads=(1, 2, 3, 4))
IMAGENET = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], dtype=torch.float64).view(2, 3, 1, 1)


@pytest.mark.parametrize("name", [name for name in mits.PLANS if name != "mit-nano"])
def test_mmsegs_mit_is_covered_exactly(name: str) -> None:
    plan = mits.PLANS[name]
    with torch.device("meta"):
        theirs = {key: torch.empty(s) for key, s in mit_shapes(plan.depths, plan.channels).items()}
        head = {"head.weight": torch.empty(1000, plan.channels[-1]), "head.bias": torch.empty(1000)}
        model = backbone(name)
    assert compare(model, mit(theirs | head), "theirs").fits


def test_mmsegs_mit_gives_the_same_maps() -> None:
    """In double precision, where an eps of 1e-5 in place of 1e-6 shows."""
    state = random_state(mit_shapes(SMALL.depths, SMALL.channels))
    model = MiT(SMALL).double().eval()
    whole = {f"backbone.{name}": value for name, value in state.items()}
    fill(model, mit({**whole, "decode_head.conv_seg.bias": torch.ones(2)}), "a")
    x = torch.randn(3, 70, 101, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        maps = model((x * IMAGENET[1] + IMAGENET[0])[None])
    expected = mit_maps(state, SMALL.depths, SMALL.heads, x)
    for one, other in zip(maps, expected, strict=True):
        torch.testing.assert_close(one[0], other, atol=1e-8, rtol=1e-8)


def config_of(name: str) -> Any:
    """transformers' configuration of a backbone."""
    with torch.device("meta"):
        model: Any = backbone(name)
    return model.model.config


def written(model: nn.Module, folder: Path) -> dict[str, Tensor]:
    """What transformers writes for its hub: names as they were when the files were first published."""
    model.save_pretrained(folder)  # type: ignore[operator]
    return load_state(folder / "model.safetensors")


@pytest.mark.parametrize("whole", [SegformerForImageClassification, SegformerForSemanticSegmentation])
def test_mit_of_transformers(tmp_path: Path, whole: type[nn.Module]) -> None:
    torch.manual_seed(0)
    theirs = whole(config_of("mit-nano")).eval()
    state = written(theirs, tmp_path)
    assert any(name.startswith("segformer.encoder.block.0.0.attention.self.query") for name in state)
    model = backbone("mit-nano").eval()
    assert isinstance(model, MiT)
    assert fill(model, mit(state), "theirs").fits
    for norm in (m for m in model.modules() if isinstance(m, nn.LayerNorm)):
        norm.eps = 1e-5  # as transformers has it
    frame = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        pixels = ((frame - IMAGENET[0]) / IMAGENET[1]).float()
        expected = theirs.segformer(pixels, output_hidden_states=True).hidden_states  # type: ignore[operator]
        for one, other in zip(model(frame), expected, strict=True):
            torch.testing.assert_close(one, other)
    again = {name: value for name, value in theirs.state_dict().items() if name.startswith("segformer.")}
    assert compare(model, mit(again), "not renamed").fits


def test_resnet_of_transformers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs = ResNetForImageClassification(config_of("resnet-nano")).eval()
    model = backbone("resnet-nano").eval()
    assert isinstance(model, ResNet)
    assert fill(model, resnet(written(theirs, tmp_path)), "theirs").fits
    frame = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        pixels = ((frame - IMAGENET[0]) / IMAGENET[1]).float()
        expected = theirs.resnet(pixels, output_hidden_states=True).hidden_states[1:]
        for one, other in zip(model(frame), expected, strict=True):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", ["resnet-50", "resnet-101"])
def test_published_resnets_are_covered_exactly(name: str) -> None:
    with torch.device("meta"):
        model = backbone(name)
        theirs = ResNetForImageClassification(config_of(name))
    assert compare(model, resnet(theirs.state_dict()), "theirs").fits


def test_published_sam_is_covered_exactly() -> None:
    with torch.device("meta"):
        model, theirs = backbone("vit-b"), SamModel(SamConfig())
    assert compare(model, image_encoder(theirs.state_dict()), "theirs").fits


def metas_name(name: str) -> str:
    """A name of transformers' image encoder as Meta's file has it."""
    for ours, theirs in (
        ("vision_encoder.", "image_encoder."),
        ("patch_embed.projection", "patch_embed.proj"),
        ("layers.", "blocks."),
        ("neck.conv1", "neck.0"),
        ("neck.layer_norm1", "neck.1"),
        ("neck.conv2", "neck.2"),
        ("neck.layer_norm2", "neck.3"),
        ("layer_norm", "norm"),
    ):
        name = name.replace(ours, theirs)
    return name


@pytest.mark.parametrize("raw", [False, True])
def test_sam_of_transformers_and_of_meta(tmp_path: Path, raw: bool) -> None:
    torch.manual_seed(0)
    model = backbone("vit-nano").eval()
    assert isinstance(model, ViT)
    config = SamConfig(vision_config=model.model.config.to_dict())
    theirs = SamModel(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.normal_(std=0.2)
    state = written(theirs, tmp_path)
    if raw:
        state = {metas_name(name) if "vision" in name else name: value for name, value in state.items()}
        assert "image_encoder.blocks.3.attn.rel_pos_h" in state
    assert fill(model, image_encoder(state), "theirs").fits
    frame = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        pixels = ((frame - IMAGENET[0]) / IMAGENET[1]).float()
        torch.testing.assert_close(model(frame)[-1], theirs.get_image_embeddings(pixels))


@pytest.mark.parametrize(
    ("name", "key_map"), [("mit-nano", mit), ("resnet-nano", resnet), ("vit-nano", image_encoder)]
)
def test_foreign_weights_are_reported(name: str, key_map: object) -> None:
    model = backbone(name)
    assert callable(key_map)
    with pytest.raises(InputError, match=r"weights in cats are not.*missing model\..*unexpected cat"):
        fill(model, key_map({"cat": torch.ones(1)}), "cats")
