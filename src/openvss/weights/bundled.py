"""Weights that ship inside the package: half-precision safetensors, each with a model card."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from openvss.errors import InputError

FOLDER = Path(__file__).parent / "files"


def path(name: str) -> Path:
    """The weights file."""
    file = FOLDER / f"{name}.safetensors"
    if not file.is_file():
        raise InputError(f"The installation lacks {file}: install openvss again.")
    return file


def sha256(name: str) -> str:
    """Hash of the weights file: what a run was made with."""
    return hashlib.sha256(path(name).read_bytes()).hexdigest()


def load_into(model: nn.Module, file: Path) -> None:
    """Fill every parameter and buffer from a file; anything missing or left over is an error."""
    try:
        state = {key: value.float() for key, value in load_file(file).items()}
        model.load_state_dict(state, strict=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(f"{file} does not hold the weights of this model: install openvss again.") from error


def save(model: nn.Module, file: Path) -> None:
    """Write a model's state in half precision."""
    save_file({key: value.to(torch.float16).contiguous() for key, value in model.state_dict().items()}, file)
