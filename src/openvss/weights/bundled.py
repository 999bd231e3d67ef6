"""Weights that ship inside the package: half-precision safetensors, each with a model card."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

FOLDER = Path(__file__).parent / "files"


def path(name: str) -> Path:
    """The weights file."""
    return FOLDER / f"{name}.safetensors"


def card(name: str) -> str:
    """The model card, in Markdown."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def sha256(name: str) -> str:
    """Hash of the weights file: what a run was made with."""
    return hashlib.sha256(path(name).read_bytes()).hexdigest()


def load_into(model: nn.Module, file: Path) -> None:
    """Fill every parameter and buffer from a file; anything missing or left over is an error."""
    state = {key: value.float() for key, value in load_file(file).items()}
    model.load_state_dict(state, strict=True)


def save(model: nn.Module, file: Path) -> None:
    """Write a model's state in half precision."""
    save_file({key: value.to(torch.float16).contiguous() for key, value in model.state_dict().items()}, file)
