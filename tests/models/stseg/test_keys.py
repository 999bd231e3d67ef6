"""SED's released checkpoints, by name and shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from openvss.models.encoders.convnext_clip import ConvNextClip
from openvss.models.registry import PRESETS
from openvss.models.stseg.keys import CLIP, DECODER, sed
from openvss.models.stseg.presets import SEDOptions
from openvss.models.stseg.sed import SED
from openvss.models.trained import load_model
from tests.weights.open_clip_files import Shapes, State, TextSize, convnext_shapes, random_state, text_shapes

WIDTHS = (32, 16, 8)
SKIPS = (24, 16, 8)  # of the nano pair, coarsest first


def decoder_shapes(templates: int) -> Shapes:
    def conv(name: str, *shape: int) -> Shapes:
        return {f"{name}.weight": shape, f"{name}.bias": (shape[0],)}

    def raised(name: str, inputs: int, outputs: int) -> Shapes:
        return {f"{name}.weight": (inputs, outputs, 2, 2), f"{name}.bias": (outputs,)}

    shapes = conv("conv1", WIDTHS[0], templates, 7, 7)
    guides = [templates, *(w // 4 for w in WIDTHS)]
    for i, (w, skip) in enumerate(zip(WIDTHS, SKIPS, strict=True)):
        d = f"decoder{i + 1}"
        shapes |= conv(f"decoder_guidance_projection.{i}.0", w // 4, skip, 3, 3)
        shapes |= raised(f"decoder_corr_guidance_projection.{i}.0", guides[i], w // 4)
        shapes |= conv(f"head{i}", 1, w, 3, 3)
        shapes |= raised(f"{d}.up", w, w - w // 4)
        shapes |= {f"{d}.conv.double_conv.0.weight": (w // 2, w + w // 4, 3, 3)}
        shapes |= {f"{d}.conv.double_conv.3.weight": (w // 2, w // 2, 3, 3)}
        for n in (1, 4):
            shapes |= conv(f"{d}.conv.double_conv.{n}", w // 2)
        shapes |= conv(f"{d}.cnext.dwconv", w, 1, 9, 9) | conv(f"{d}.cnext.norm", w)
        shapes |= conv(f"{d}.cnext.pwconv1", 4 * w, w) | conv(f"{d}.cnext.pwconv2", w, 4 * w)
        shapes |= {f"{d}.cnext.gamma": (w,)}
        for part in "qkv":
            shapes |= conv(f"{d}.attention.attention.{part}", w, w)
        shapes |= conv(f"{d}.attention.MLP.0", 4 * w, w) | conv(f"{d}.attention.MLP.2", w, 4 * w)
        shapes |= conv(f"{d}.attention.norm1", w) | conv(f"{d}.attention.norm2", w)
    return shapes | conv("head", 1, 4, 3, 3)


def checkpoint(templates: int = 4) -> State:
    text = TextSize()
    clip = convnext_shapes((8, 16, 24, 32), (1, 1, 1, 1), text.dim) | text_shapes(text)
    named = {f"{CLIP}{n}": s for n, s in clip.items()} | {
        f"{DECODER}{n}": s for n, s in decoder_shapes(templates).items()
    }
    return random_state(named)


def test_every_weight_has_its_place() -> None:
    theirs = checkpoint()
    model = SED(ConvNextClip("nano"), SEDOptions(templates="short", width=WIDTHS[0])).double()
    model.load_state_dict(sed(theirs), strict=True)
    # Of the same shape, so that only their values tell them apart:
    pairs = {
        "decoder2.attention.attention.q": "stages.1.attention.q",
        "decoder2.attention.attention.k": "stages.1.attention.k",
        "decoder2.attention.attention.v": "stages.1.attention.v",
        "decoder2.attention.norm1": "stages.1.attention.norm1",
        "decoder2.attention.norm2": "stages.1.attention.norm2",
        "decoder2.cnext.norm": "stages.1.surroundings.norm",
        "decoder2.conv.double_conv.1": "stages.1.fusion.join.1",
        "decoder2.conv.double_conv.4": "stages.1.fusion.join.4",
    }
    own = model.decoder.state_dict()
    for name, ours in pairs.items():
        for end in ("weight", "bias"):
            assert torch.equal(own[f"{ours}.{end}"], theirs[f"{DECODER}{name}.{end}"])


def test_the_preset_reads_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`--model sed-b --weights FILE`, as detectron2 writes it; our own names are read as well."""
    small = SEDOptions(pair="clip-convnext-nano", templates="plain", width=WIDTHS[0])
    monkeypatch.setitem(PRESETS, "sed-b", replace(PRESETS["sed-b"], options=small))
    theirs = {name: value.float() for name, value in checkpoint(templates=1).items()}
    torch.save({"model": theirs, "iteration": 79999}, tmp_path / "model_final.pth")
    model = load_model("sed-b", tmp_path / "model_final.pth")
    assert isinstance(model, SED)
    assert torch.equal(model.decoder.embed.weight, theirs[f"{DECODER}conv1.weight"])
    save_file(model.state_dict(), tmp_path / "ours.safetensors")
    assert load_model("sed-b", tmp_path / "ours.safetensors").state_dict().keys() == model.state_dict().keys()
