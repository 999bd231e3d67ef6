"""A model as a folder of graphs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import openvss
from openvss.errors import InputError, OpenVSSError
from openvss.export import check as checking
from openvss.export.graph import WEIGHTS
from openvss.export.job import export
from openvss.models.tiny.model import Tiny


def test_sizes_and_words_are_free(exported: Path) -> None:
    shapes = {
        name: [one.dim_param or one.dim_value for one in value.type.tensor_type.shape.dim]
        for graph in ("encode", "score")
        for value in onnx.load(exported / f"{graph}.onnx", load_external_data=False).graph.input
        for name in [value.name]
    }
    assert shapes["frames"][:2] == [1, 3]
    assert all(isinstance(free, str) for free in [*shapes["frames"][2:], shapes["words"][0]])
    assert shapes["words"][1:] == [1, 384]


def test_weights_are_there_once(exported: Path) -> None:
    files = [path for path in exported.iterdir() if path.name != WEIGHTS]
    assert sum(path.stat().st_size for path in files) < 400_000
    assert (exported / WEIGHTS).stat().st_size < 31_000_000
    assert not any("Pad" in node.op_type for node in onnx.load(exported / "encode.onnx").graph.node)


def test_the_manifest_says_what_a_runtime_needs(exported: Path) -> None:
    said = json.loads((exported / "model.json").read_text())
    assert (said["model"], said["size"], said["multiple"], said["recurrent"]) == ("tiny", 320, 32, True)
    assert said["templates"] == list(Tiny.templates)
    assert said["graphs"]["fuse"]["inputs"] == ["target.dense", "memory.dense"]
    assert said["text"]["dim"] == 384


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("text")
    with pytest.raises(InputError, match="is not an empty folder: choose another one"):
        export("tiny", tmp_path)


def test_words_can_be_baked_in(tmp_path: Path) -> None:
    words = "sky, car | automobile, person"
    export("tiny", tmp_path / "baked", words, options={"smoothing": 0})
    assert "words" not in json.loads((tmp_path / "baked/model.json").read_text())["graphs"]["score"]["inputs"]
    segmenter = openvss.load(str(tmp_path / "baked"), size=64)
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    expected = openvss.load("tiny", words, size=64, device="cpu", options={"smoothing": 0}).step(pixels)
    found = segmenter.step(pixels)
    assert found.words == ("sky", "car", "person")
    assert (found.labels == expected.labels).mean() >= 0.999
    assert segmenter.ask("person, sky").words == ("person", "sky")
    with pytest.raises(InputError, match="does not know the word 'tree'"):
        segmenter.set_words("tree")


def test_a_graph_that_differs_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score = Tiny.score

    def other(self: Tiny, fused: dict[str, torch.Tensor], words: object) -> object:
        found = score(self, fused, words)  # type: ignore[arg-type]
        if torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
            found.logits.mul_(1.1)
        return found

    monkeypatch.setattr(Tiny, "score", other)
    monkeypatch.setattr(checking, "SIZES", checking.SIZES[:1])
    with pytest.raises(OpenVSSError, match="differ from PyTorch: logits by"):
        export("tiny", tmp_path / "out", options={"smoothing": 0})
    assert not list(tmp_path.iterdir())
