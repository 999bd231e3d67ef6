"""Checkpoints of the authors' CFFM and CFFM++, by name and shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from openvss.errors import InputError
from openvss.models.cffm.keys import cffm, with_teacher
from openvss.models.cffm.presets import CFFMOptions
from openvss.models.encoders import mit as mits
from openvss.models.registry import PRESETS, build_model
from openvss.models.trained import load_model
from openvss.weights.checkpoint import Metadata, load_state, read_metadata, save_model
from openvss.weights.strict import compare
from tests.weights.mit_files import mit_shapes
from tests.weights.open_clip_files import Shapes, State, random_state

NANO = mits.PLANS["mit-nano"]
DIM, HEADS, WORDS = 32, 8, 6
OPTIONS: dict[str, Any] = {"backbone": "mit-nano", "words": "a, b, c, d, e, f", "dim": DIM}


def affine(name: str, *weight: int) -> Shapes:
    return {f"{name}.weight": weight, f"{name}.bias": weight[:1]}


def head_shapes() -> Shapes:
    shapes = affine("conv_seg", WORDS, DIM // 2, 1, 1)
    for i, channels in enumerate(NANO.channels):
        shapes |= affine(f"linear_c{i + 1}.proj", DIM, channels)
    shapes["linear_fuse.conv.weight"] = (DIM, 4 * DIM, 1, 1)
    shapes |= affine("linear_fuse.bn", DIM) | {
        "linear_fuse.bn.running_mean": (DIM,),
        "linear_fuse.bn.running_var": (DIM,),
        "linear_fuse.bn.num_batches_tracked": (),
    }
    return shapes | affine("linear_pred", WORDS, DIM, 1, 1)


def block_shapes(name: str) -> Shapes:
    shapes = affine(f"{name}.norm1", DIM) | affine(f"{name}.norm2", DIM)
    shapes |= affine(f"{name}.attn.qkv", 3 * DIM, DIM) | affine(f"{name}.attn.proj", DIM, DIM)
    shapes |= {f"{name}.attn.relative_position_bias_table": (169, HEADS)}
    shapes |= {f"{name}.attn.relative_position_index": (49, 49)}
    return shapes | affine(f"{name}.mlp.fc1", 4 * DIM, DIM) | affine(f"{name}.mlp.fc2", DIM, 4 * DIM)


def focal_shapes(name: str) -> Shapes:
    """For the target a 5x5 region, for the references 7x7, 5x5 and 3x3."""
    shapes, table = block_shapes(name), f"{name}.attn.relative_position_bias_table_to"
    shapes |= affine(f"{name}.pool_layers.0", 1, 49)
    shapes |= {f"{table}_neighbors": (1, HEADS, 49, 132), f"{table}_windows.0": (HEADS, 11**2)}
    shapes |= {f"{name}.attn.valid_ind_rolled": (132,), f"{name}.attn.relative_position_index_0": (49, 25)}
    for r, (side, kernel) in enumerate([(7, 7), (3, 5), (2, 3)]):
        shapes |= affine(f"{name}.pool_layers_clips.{r}", 1, side**2)
        shapes |= {f"{table}_windows_clips.{r}": (HEADS, (7 + kernel - 1) ** 2)}
        shapes |= {f"{name}.attn.relative_position_index_clips_{r}": (49, kernel**2)}
    return shapes


def checkpoint(layers: int = 0, global_layers: int = 0) -> State:
    head = head_shapes()
    if layers:
        head |= affine("linear_pred2", WORDS, 2 * DIM, 1, 1)
    for i in range(layers):
        head |= focal_shapes(f"decoder_focal.blocks.{i}")
    for i in range(global_layers):
        name = f"decoder_swin.blocks.{i}"
        head |= block_shapes(name) | affine(f"{name}.attn.qkv_cluster", 2 * DIM, DIM)
        head |= affine(f"{name}.attn.proj_cluster", DIM, DIM) | affine("linear_pred3", WORDS, DIM, 1, 1)
    named = {f"decode_head.{n}": s for n, s in head.items()}
    return random_state(
        named | {f"backbone.{n}": s for n, s in mit_shapes(NANO.depths, NANO.channels).items()}
    )


def test_every_weight_of_cffm_plusplus_has_its_place() -> None:
    theirs = checkpoint(layers=2, global_layers=1)
    model = build_model("cffm++-b1", OPTIONS)
    ours = cffm(theirs)
    assert compare(model, ours, "theirs").fits
    # of the same shape, so that only their values tell them apart:
    focal, table = "decode_head.decoder_focal.blocks.1.", "attn.relative_position_bias_table_to_windows"
    pairs = {
        f"{focal}norm1.weight": "layers.1.norm1.weight",
        f"{focal}norm2.weight": "layers.1.norm2.weight",
        f"{focal}{table}.0": "layers.1.attention.bias.tables.1",
        f"{focal}{table}_clips.1": "layers.1.attention.bias.tables.3",
        "decode_head.linear_pred.weight": "frame_classifier.project.weight",
        "decode_head.linear_pred3.weight": "global_classifier.project.weight",
        "decode_head.decoder_swin.blocks.0.attn.proj_cluster.weight": "global_layers.0.project.weight",
        "decode_head.decoder_swin.blocks.0.norm1.bias": "global_layers.0.norm1.bias",
        "decode_head.linear_c1.proj.bias": "head.reduce.0.bias",
        "decode_head.linear_c4.proj.bias": "head.reduce.3.bias",
    }
    for name, own in pairs.items():
        assert torch.equal(ours[own], theirs[name]), own
    pool = theirs[f"{focal}pool_layers.0.weight"].view(7, 7)
    assert torch.equal(ours["layers.1.assemble.pools.0.weight"], pool)
    query = theirs["decode_head.decoder_swin.blocks.0.attn.qkv.weight"][:DIM]
    assert torch.equal(ours["global_layers.0.query.weight"], query)


def test_cffm_without_plusplus() -> None:
    assert compare(build_model("cffm-b1", OPTIONS), cffm(checkpoint(layers=2)), "theirs").fits


def test_a_missing_layer_is_reported() -> None:
    report = compare(build_model("cffm-b1", OPTIONS), cffm(checkpoint(layers=1)), "theirs")
    assert not report.fits
    assert all(name.startswith("layers.1.") for name in report.missing)
    assert not report.unexpected


def test_a_file_of_theirs_loads_as_weights_of_a_preset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = CFFMOptions("mit-nano", OPTIONS["words"], dim=DIM)
    monkeypatch.setitem(PRESETS, "cffm-nano", replace(PRESETS["cffm-b1"], options=options))
    file = tmp_path / "cffm.pth"
    theirs = {name: value.float() for name, value in checkpoint(layers=2).items()}
    torch.save({"meta": {"epoch": 1}, "state_dict": theirs}, file)
    model = load_model("cffm-nano", file)
    bias = model.state_dict()["classifier.project.bias"]
    assert torch.equal(bias, theirs["decode_head.linear_pred2.bias"])
    torch.save({"state_dict": dict(list(theirs.items())[5:])}, file)
    with pytest.raises(InputError, match="missing"):
        load_model("cffm-nano", file)


def test_our_own_names_stay() -> None:
    own = build_model("cffm-b1", OPTIONS).state_dict()
    assert cffm(own).keys() == own.keys()


def test_student_and_teacher_fill_cffm_plusplus_but_for_its_new_layers() -> None:
    student, teacher = (build_model("cffm-b1", OPTIONS).state_dict() for _ in range(2))
    model = build_model("cffm++-b1", {**OPTIONS, "teacher": "mit-nano"})
    report = compare(model, with_teacher(student, teacher), "both")
    assert not report.unexpected
    assert all(name.startswith("global_") for name in report.missing)


def test_the_documented_way_to_join_a_teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The student is a run of ours, the teacher a file of the authors."""
    page = Path(__file__).parents[3] / "docs" / "cffm.md"
    snippet = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    small, large = tmp_path / "runs" / "cffm-b0", tmp_path / "runs" / "cffm-b5"
    for folder in (small, large):
        folder.mkdir(parents=True)
    student = build_model("cffm-b1", OPTIONS).state_dict()
    save_model(student, small / "last.safetensors", "cffm-b0", OPTIONS)
    theirs = {name: value.float() for name, value in checkpoint(layers=2).items()}
    torch.save({"state_dict": theirs}, large / "cffm_b5.pth")
    monkeypatch.chdir(tmp_path)
    assert 'Path("runs/cffm-b5/last.safetensors")' in snippet
    exec(snippet.replace("cffm-b5/last.safetensors", "cffm-b5/cffm_b5.pth"), {})
    file = tmp_path / "runs" / "cffm-b0-with-b5.safetensors"
    assert read_metadata(file) == Metadata("cffm++-b0", {"teacher": "mit-b5"})
    joined = load_state(file)
    report = compare(build_model("cffm++-b1", {**OPTIONS, "teacher": "mit-nano"}), joined, "both")
    assert not report.unexpected
    assert all(name.startswith("global_") for name in report.missing)
    bias = theirs["decode_head.linear_pred.bias"]
    assert torch.equal(joined["teacher.frame_classifier.project.bias"], bias)
    own = student["frame_classifier.project.bias"]
    assert torch.equal(joined["frame_classifier.project.bias"], own)
    assert not torch.equal(own, bias)
