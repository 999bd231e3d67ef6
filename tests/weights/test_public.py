"""Published weights: found in a local folder, in the hub's cache or on the hub, or one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import (
    EntryNotFoundError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from safetensors.torch import save_file
from torch import nn

from openvss.errors import InputError
from openvss.models.encoders import mit
from openvss.models.encoders.mit import MiT
from openvss.models.trained import load_pretrained
from openvss.weights.lite0 import fold, imagenet_checkpoint
from openvss.weights.public import WEIGHTS, public_file
from tests.weights.mit_files import mit_shapes
from tests.weights.open_clip_files import random_state


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No hub, no cache, no local folder."""
    monkeypatch.delenv("OPENVSS_WEIGHTS", raising=False)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    _hub(monkeypatch, OfflineModeIsEnabled("offline"))


def _hub(monkeypatch: pytest.MonkeyPatch, *answers: Path | Exception) -> list[tuple[str, str]]:
    """A hub that answers in this order; what it was asked."""
    asked: list[tuple[str, str]] = []
    left = list(answers)

    def download(repository: str, name: str) -> str:
        asked.append((repository, name))
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return asked


def touch(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    return file


@pytest.mark.parametrize("inside", ["nvidia/mit-b2", "mit-b2"])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_the_local_folder_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, name: str
) -> None:
    monkeypatch.setenv("OPENVSS_WEIGHTS", str(tmp_path))
    file = touch(tmp_path / inside / name)
    assert public_file("nvidia/mit-b2", *WEIGHTS) == file


def test_then_the_cache_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cached(repository: str, name: str) -> str | object | None:
        return {"pytorch_model.bin": "/cached", "gone.txt": object()}.get(name)

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    assert public_file("nvidia/mit-b2", *WEIGHTS) == Path("/cached")
    with pytest.raises(InputError, match="cannot be reached"):
        public_file("nvidia/mit-b2", "gone.txt")  # known not to exist, last time the hub was asked


def test_then_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _hub(monkeypatch, EntryNotFoundError("none"), tmp_path / "b")
    assert public_file("nvidia/mit-b2", *WEIGHTS) == tmp_path / "b"
    assert asked == [("nvidia/mit-b2", "model.safetensors"), ("nvidia/mit-b2", "pytorch_model.bin")]


class _Missing(RepositoryNotFoundError):
    def __init__(self) -> None:
        Exception.__init__(self, "404")


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([OfflineModeIsEnabled("x")], r"a/b is not on this machine.*folder in \$OPENVSS_WEIGHTS"),
        ([LocalEntryNotFoundError("x")], "cannot be reached"),
        ([ConnectionError("x")], "cannot be reached"),
        ([_Missing()], "no public repository a/b: check the name"),
        ([EntryNotFoundError("x")] * 2, r"a/b.* has no model.safetensors or pytorch_model.bin"),
    ],
)
def test_one_sentence_otherwise(monkeypatch: pytest.MonkeyPatch, answers: list[Any], says: str) -> None:
    _hub(monkeypatch, *answers)
    with pytest.raises(InputError, match=says):
        public_file("a/b", *WEIGHTS)


def test_parts_of_a_model_start_from_their_published_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENVSS_WEIGHTS", str(tmp_path))
    plan = mit.MiTPlan("nvidia/mit-small", (1, 1, 1, 1), (8, 16, 24, 32), heads=(1, 2, 3, 4))
    state = {n: v.float() for n, v in random_state(mit_shapes(plan.depths, plan.channels)).items()}
    (tmp_path / "nvidia" / "mit-small").mkdir(parents=True)
    save_file(state, tmp_path / "nvidia" / "mit-small" / "model.safetensors")
    model = nn.ModuleDict(
        {"backbone": MiT(plan), "head": nn.Linear(2, 2), "small": MiT(mit.PLANS["mit-nano"])}
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert load_pretrained(model) == ("backbone", "small")
    after = model.state_dict()
    assert torch.equal(after["backbone.model.stages.3.layer_norm.bias"], state["norm4.bias"])
    for name, value in before.items():
        if not name.startswith("backbone."):
            assert torch.equal(after[name], value)


def test_lite0_starts_from_its_package() -> None:
    from openvss.models.encoders.backbones import backbone

    model = backbone("lite0")
    assert load_pretrained(model) == ("",)
    assert torch.equal(model.state_dict()["stem.bias"], fold(imagenet_checkpoint())["stem.bias"])
