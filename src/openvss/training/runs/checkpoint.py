"""The state of a run as one file: weights, their average, the optimiser's moments, and its progress.

Everything random is a function of the seed and the step, so there are no random states to keep: see
`openvss.training.stepper`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from openvss.errors import InputError, OutputError
from openvss.storage.atomic import own_draft, replacing
from openvss.training.optimisation import Average

VERSION = 1


@dataclass
class Progress:
    """The progress of a run.

    Attributes:
        step: Steps of the optimiser that are done.
        processes: How many take part; another number would see other samples.
        scored: The step of the last validation; -1 if there is to be one before the first step.
        best: The best value so far of the deciding metric; None if there is none.
        best_step: Its step.
        log_bytes: Length of the log when this was saved: what follows belongs to steps that will be repeated.
        scaler: State of the loss scale in fp16.
        sums: Sums of what the next line of the log averages.
    """

    step: int = 0
    processes: int = 1
    scored: int = 0
    best: float | None = None
    best_step: int = 0
    log_bytes: int = 0
    scaler: dict[str, Any] | None = None
    sums: dict[str, float] = field(default_factory=dict)


def save(
    file: Path,
    model: nn.Module,
    average: Average | None,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Write the state; at any moment the file is either the old or the new one."""
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    if average is not None:
        tensors |= {f"average/{name}": value for name, value in average.values.items()}
    names = _names(model, optimiser)
    for parameter, values in optimiser.state.items():
        for key, value in values.items():
            tensors[f"optimiser/{names[parameter]}/{key}"] = torch.as_tensor(value)
    note = {"version": str(VERSION), "progress": json.dumps(asdict(progress))}
    try:
        with replacing(file, own_draft(file), durable=True) as draft:
            save_file({name: _plain(value) for name, value in tensors.items()}, draft, note)
    except (OSError, SafetensorError) as error:
        raise OutputError(
            f"The state {file} cannot be written ({error}): free some space, then continue with --resume."
        ) from error


def load(
    file: Path,
    model: nn.Module,
    average: Average | None,
    optimiser: torch.optim.Optimizer,
) -> Progress:
    """Restore everything as it was saved."""
    try:
        with safe_open(file, framework="pt") as content:
            progress = Progress(**json.loads(content.metadata()["progress"]))
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
        model.load_state_dict(_part(tensors, "model"), strict=True)
        if average is not None:
            for name, value in _part(tensors, "average").items():
                average.values[name].copy_(value)
        _load_optimiser(model, optimiser, _part(tensors, "optimiser"))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{file} is damaged or was written by another version: start again with --overwrite."
        ) from error
    return progress


def _load_optimiser(model: nn.Module, optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    by_name = {name: parameter for parameter, name in _names(model, optimiser).items()}
    for name, value in tensors.items():
        parameter_name, _, key = name.rpartition("/")
        parameter = by_name[parameter_name]
        # Adam's step count stays on the CPU, as the optimiser makes it.
        optimiser.state[parameter][key] = value if value.ndim == 0 else value.to(parameter.device)


def _names(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[Tensor, str]:
    trained = {id(p) for group in optimiser.param_groups for p in group["params"]}
    return {p: name for name, p in model.named_parameters() if id(p) in trained}


def _part(tensors: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    return {name.split("/", 1)[1]: value for name, value in tensors.items() if name.startswith(f"{kind}/")}


def _plain(value: Tensor) -> Tensor:
    return value.detach().cpu().contiguous().clone()  # cloned: the format forbids shared memory
