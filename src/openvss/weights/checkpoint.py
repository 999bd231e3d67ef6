"""Checkpoints: safetensors files that say which model they belong to, so that they can be used by themselves.

The metadata name the preset and its options. Nothing is ever unpickled: files of other software in PyTorch's
own format are read as plain tensors, or not at all.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from openvss.errors import InputError, OutputError
from openvss.storage.atomic import own_draft, replacing

BEST, LAST = "best.safetensors", "last.safetensors"  # what a folder of a training run holds

DAMAGED_NOTE = (
    "What {} notes of its model cannot be read: copy it again, or give it as --model NAME --weights FILE."
)

_OURS = ("openvss", "preset", "options")
_VERSION = "1"
_WRAPPERS = ("state_dict", "model")  # where other software puts the tensors within its file


@dataclass(frozen=True)
class Metadata:
    """What a checkpoint says of itself.

    Attributes:
        preset: Name of the model.
        options: What it was built with, besides.
        extra: Whatever else was noted.
    """

    preset: str
    options: dict[str, object]
    extra: dict[str, str] = field(default_factory=dict)


def save_model(
    model: nn.Module | Mapping[str, Tensor],
    file: Path,
    preset: str,
    options: Mapping[str, object],
    extra: Mapping[str, str] | None = None,
) -> None:
    """Write a model's weights, or a state of them; `file` is either the old one or the whole new one.

    Args:
        model: The model, or its state, such as a moving average of it.
        file: Ends in `.safetensors`; its folder must exist.
        preset: Name in `openvss.models.registry.PRESETS`.
        options: What `build_model` was given: plain values that JSON can hold.
        extra: More to note, under names of your own.
    """
    note = dict(extra or {})
    if taken := set(note) & set(_OURS):
        raise ValueError(f"{sorted(taken)} are names of the checkpoint's own metadata")
    note |= {"openvss": _VERSION, "preset": preset, "options": json.dumps(dict(options), sort_keys=True)}
    state = model.state_dict() if isinstance(model, nn.Module) else model
    _write(_separate(state), note, file)


def read_metadata(file: Path) -> Metadata:
    """What a checkpoint of ours says of itself; a file of other software is an `InputError`."""
    note = _note(file)
    if note.get("openvss") != _VERSION:
        raise InputError(
            f"{file} does not say which model it belongs to: name the model with --model and the file with "
            "--weights."
        )
    try:
        options = json.loads(note["options"])
        preset = note["preset"]
    except (KeyError, ValueError, RecursionError) as error:
        raise InputError(DAMAGED_NOTE.format(file)) from error
    if not isinstance(options, dict):
        raise InputError(DAMAGED_NOTE.format(file))
    extra = {key: value for key, value in note.items() if key not in _OURS}
    return Metadata(preset, options, extra)


def sizes(file: Path) -> list[int]:
    """How many numbers each tensor of a safetensors file has."""
    with safe_open(file, framework="pt") as content:
        return [math.prod(content.get_slice(name).get_shape()) for name in content.keys()]  # noqa: SIM118


def is_ours(file: Path) -> bool:
    """Whether a file says which of our models it belongs to."""
    return file.suffix == ".safetensors" and _note(file).get("openvss") == _VERSION


def load_state(file: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU, floats as float32; `.safetensors`, or PyTorch's format."""
    _require_file(file)
    try:
        state = load_file(file) if file.suffix == ".safetensors" else _load_torch(file)
    except Exception as error:  # a file that is not a pickle may fail in any way
        raise InputError(
            f"{file} cannot be read as weights: give a safetensors file, or a .pth that holds only tensors."
        ) from error
    return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}


def find_checkpoint(path: Path) -> Path | None:
    """The file itself; of the folder of a training run the best, else the last; None if there is none.

    The result of a run in stages, which are numbered folders, is that of the last one.
    """
    if not path.is_dir():
        return path if path.is_file() else None
    stages = {int(m[1]): folder for folder in path.iterdir() if (m := re.match(r"(\d+)-", folder.name))}
    folders = [path, *(stages[number] for number in sorted(stages, reverse=True))]
    files = (folder / name for folder in folders for name in (BEST, LAST))
    return next((file for file in files if file.is_file()), None)


def sha256(file: Path) -> str:
    """Hash of a weights file, to say what a result was made with."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def state_sha256(state: Mapping[str, Tensor]) -> str:
    """Hash of weights that come from several files."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _separate(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as the format wants them: in order, on the CPU, none sharing memory with another."""
    seen: set[int] = set()
    separate: dict[str, Tensor] = {}
    for name, value in state.items():
        tensor = value.detach().cpu().contiguous()
        memory = tensor.untyped_storage().data_ptr()
        separate[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    return separate


def _write(state: dict[str, Tensor], note: dict[str, str], file: Path) -> None:
    try:
        with replacing(file, own_draft(file), durable=True) as draft:
            save_file(state, draft, note)
            _sort_note(draft)
    except (OSError, SafetensorError) as error:
        raise OutputError(
            f"The weights {file} cannot be written ({error}): free some space, or choose another folder."
        ) from error


def _sort_note(file: Path) -> None:
    """Put the metadata in order, which safetensors leaves to chance: the same weights give the same bytes."""
    with file.open("rb+") as content:
        size = int.from_bytes(content.read(8), "little")
        header = json.loads(content.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        assert len(text) <= size  # the tensors begin behind it
        content.seek(8)
        content.write(text.ljust(size))


def _note(file: Path) -> dict[str, str]:
    _require_file(file)
    try:
        with safe_open(file, framework="pt") as content:
            return content.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{file} is not a safetensors file, or is damaged: copy it again, or give other weights with the "
            "model they belong to, as --model NAME --weights FILE."
        ) from error


def _require_file(file: Path) -> None:
    if file.is_dir():
        raise InputError(f"The weights file {file} is a folder: name a file in it, or give a run as --model.")
    if not file.is_file():
        raise InputError(f"The weights file {file} does not exist: check the path.")


def _load_torch(file: Path) -> dict[str, Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about unusual pickle protocols, which are harmless
        content = torch.load(file, map_location="cpu", weights_only=True)
    for wrapper in _WRAPPERS:
        content = content.get(wrapper, content) if isinstance(content, dict) else content
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ValueError("no table of tensors")
    return dict(content)
