"""Weights that ship inside the package: half-precision safetensors, each with a model card."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from openvss.errors import InputError

if TYPE_CHECKING:
    from torch import nn

FOLDER = Path(__file__).parent / "files"


def path(name: str) -> Path:
    """The weights file."""
    file = FOLDER / f"{name}.safetensors"
    if not file.is_file():
        raise InputError(f"{file} is missing from the installation: reinstall openvss.")
    return file


def card(name: str) -> str:
    """The model card: how the weights were made, how good they are, where they fail."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def sha256(name: str) -> str:
    """Hash of the weights file, to say what a run was made with."""
    return hashlib.sha256(path(name).read_bytes()).hexdigest()


def load_into(model: nn.Module, file: Path) -> None:
    """Fill every parameter and buffer from a file; anything missing or left over is an error."""
    from openvss.weights.checkpoint import load_state
    from openvss.weights.strict import fill

    try:
        fill(model, load_state(file), str(file))
    except InputError as error:
        raise InputError(f"{file} does not hold the weights of this model: reinstall openvss.") from error


def save(model: nn.Module, file: Path) -> None:
    """Write a model's state in half precision."""
    import torch
    from safetensors.torch import save_file

    save_file({key: value.to(torch.float16).contiguous() for key, value in model.state_dict().items()}, file)
