"""Backbones keep their contract; their sizes are the published ones."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers import ResNetBackbone
from transformers.models.sam.modeling_sam import SamVisionEncoder

from openvss.errors import InputError
from openvss.models.encoders import mit, resnet, vit
from openvss.models.encoders.backbones import BACKBONES, backbone
from openvss.models.encoders.mit import MiT
from openvss.models.encoders.resnet import ResNet
from openvss.models.encoders.vit import ViT

SMALL = ("mit-nano", "resnet-nano", "vit-nano", "lite0")


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    model = backbone(name).eval()
    with torch.no_grad():  # position vectors start at zero, and hide whether they are used
        for key, parameter in model.named_parameters():
            if "pos" in key:
                parameter.normal_()
    return model


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (64, 32), (70, 101)])
def test_any_size(name: str, height: int, width: int) -> None:
    model = backbone(name).eval()
    maps = model(torch.rand(2, 3, height, width))
    assert len(maps) == len(model.channels) == len(model.strides)
    for x, channels, stride in zip(maps, model.channels, model.strides, strict=True):
        assert x.shape == (2, channels, -(-height // stride), -(-width // stride))
        assert torch.isfinite(x).all()


@pytest.mark.parametrize("name", SMALL)
def test_frames_of_a_batch_are_seen_alone(name: str) -> None:
    model, frames = build(name), torch.rand(3, 3, 70, 101)
    with torch.no_grad():
        together, last = model(frames), model(frames[2:])
    for whole, alone in zip(together, last, strict=True):
        torch.testing.assert_close(whole[2:], alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_and_every_pixel_matters(name: str) -> None:
    model = build(name).train()
    frames = torch.rand(2, 3, 64, 96, requires_grad=True)
    total: Tensor = sum((x.square().sum() for x in model(frames)), torch.zeros(()))
    total.backward()
    assert not [key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert frames.grad is not None
    assert frames.grad[:, :, :, :].abs().sum(1).gt(0).float().mean() > 0.9


def mit_size(depths: tuple[int, ...], channels: tuple[int, ...] = (64, 128, 320, 512)) -> int:
    """Parameters counted from the description of the architecture."""
    total, before = 0, 3
    for stage, (depth, c) in enumerate(zip(depths, channels, strict=True)):
        kernel, reduction = (7, 3, 3, 3)[stage], (8, 4, 2, 1)[stage]
        norm, linear = 2 * c, c * c + c
        block = 2 * norm + 4 * linear + (c * 4 * c + 4 * c) + (4 * c * 9 + 4 * c) + (4 * c * c + c)
        if reduction > 1:
            block += c * c * reduction**2 + c + norm
        total += before * c * kernel**2 + c + norm + depth * block + norm
        before = c
    return total


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mit-b0", 3_319_392),
        ("mit-b0", mit_size((2, 2, 2, 2), (32, 64, 160, 256))),
        ("mit-b1", mit_size((2, 2, 2, 2))),
        ("mit-b2", mit_size((3, 4, 6, 3))),
        ("mit-b3", mit_size((3, 4, 18, 3))),
        ("mit-b4", mit_size((3, 8, 27, 3))),
        ("mit-b5", mit_size((3, 6, 40, 3))),
        ("resnet-50", 23_508_032),
        ("resnet-101", 42_500_160),
        ("vit-b", 89_670_912),
    ],
)
def test_published_sizes(name: str, parameters: int) -> None:
    with torch.device("meta"):
        model = backbone(name)
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_unknown_names() -> None:
    with pytest.raises(InputError, match=r"no backbone 'huge': choose one of mit-b0, .*vit-b, .*lite0"):
        backbone("huge")


def test_every_size_that_a_file_lists_has_its_name() -> None:
    sizes = {*mit.PLANS, *resnet.PLANS, *vit.PLANS}
    assert sizes | {"lite0"} == set(BACKBONES) - {"toy"}
    assert mit.named("mit-nano").channels == mit.PLANS["mit-nano"].channels


def test_pixels_are_normalised_inside() -> None:
    """Grey of ImageNet's mean enters as zero."""
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 64, 64)
    bare = build("resnet-nano")
    assert isinstance(bare, ResNet)
    assert isinstance(bare.model, ResNetBackbone)
    with torch.no_grad():
        seen = bare(mean)[0]
        torch.testing.assert_close(seen, bare.model(torch.zeros(1, 3, 64, 64)).feature_maps[0])


def test_layer_norms_have_the_eps_they_were_trained_with() -> None:
    model = build("mit-nano")
    assert isinstance(model, MiT)
    eps = {key: module.eps for key, module in model.named_modules() if isinstance(module, nn.LayerNorm)}
    for key, value in eps.items():
        inside = "patch_embeddings" in key or "sequence_reduction" in key
        assert value == (1e-5 if inside else 1e-6), key
    assert len(eps) == 4 * (1 + 2 + 1) + 3  # per stage: patches, two of its block, itself; three reductions


def test_the_last_map_of_the_vit_is_sams_embedding_and_the_others_come_from_earlier_blocks() -> None:
    model = build("vit-nano")
    assert isinstance(model, ViT)
    encoder = model.model
    assert isinstance(encoder, SamVisionEncoder)
    assert model.taps == (0, 1, 2, 3)
    frames = torch.rand(1, 3, 64, 64)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    pixels = (frames - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    with torch.no_grad():
        maps = model(frames)
        torch.testing.assert_close(maps[-1], encoder(pixels).last_hidden_state)
        x = encoder.patch_embed(pixels) + encoder.pos_embed
        for block, seen in zip(encoder.layers, maps, strict=True):
            x = block(x)
            torch.testing.assert_close(encoder.neck(x), seen)


def test_the_published_vit_taps_blocks_3_6_9_and_12() -> None:
    with torch.device("meta"):
        model = backbone("vit-b")
    assert isinstance(model, ViT)
    assert model.taps == (2, 5, 8, 11)
    assert [i for i, block in enumerate(model.model.layers) if block.window_size == 0] == [2, 5, 8, 11]


def test_positions_of_the_vit_are_interpolated() -> None:
    """Position vectors that rise from left to right still do so at another size."""
    model = build("vit-nano")
    assert isinstance(model, ViT)
    with torch.no_grad():
        model.model.pos_embed.copy_(torch.arange(4.0).view(1, 1, 4, 1).expand_as(model.model.pos_embed))
        positions = model._positions(torch.zeros(1, 16, 3, 8))
    assert positions.shape == (1, 16, 3, 8)
    assert (positions[..., 1:] > positions[..., :-1]).all()
    torch.testing.assert_close(positions, positions[:, :, :1].expand_as(positions))
