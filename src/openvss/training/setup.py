"""Assembles a stage of training before its first step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import DistributedType
from torch import Tensor, nn

from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.registry import build_model, options_of
from openvss.models.trained import load_pretrained, state_for
from openvss.training import validation
from openvss.training.data.batches import TrainingData, open_data
from openvss.training.optimisation import Average, Group, freeze, groups_of
from openvss.training.recipe.schema import Recipe
from openvss.training.stepper import Pass, Stepper
from openvss.weights import checkpoint
from openvss.wording import counted

# Saved states and moving averages hold whole weights, and models are scored by calling their methods.
SHARDED = (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM)


@dataclass(frozen=True, eq=False)
class TrainingSetup:
    """What a stage of training consists of.

    Attributes:
        accelerator: Devices and processes.
        model: The one that is trained.
        taken: What the model took from a checkpoint; None without `model.init_from`.
        data: What the model learns from.
        checks: What it is scored on.
        groups: How its parameters are trained.
        stepper: Takes its steps.
        average: The moving average of its weights; None without `ema`.
    """

    accelerator: Accelerator
    model: VideoModel
    taken: Taken | None
    data: TrainingData
    checks: list[validation.Check]
    groups: list[Group]
    stepper: Stepper
    average: Average | None


def assemble(recipe: Recipe, folder: Path, cpu: bool) -> TrainingSetup:
    """Find and build everything; mistakes in a recipe are reported here."""
    accelerator = accelerate_for(recipe, cpu=cpu)
    model, taken = build(recipe)
    model = with_shared_norms(model, accelerator)
    checks = validation.open_checks(recipe)
    held_out = [check.task.dataset for check in checks if check.held_out]
    data = open_data(recipe, model, held_out)
    if model.fixed_words is not None:  # find a missing word now, not at the first validation
        for vocabulary in (data.joint.vocabulary, *(c.task.rules.choose_words(c.task.words) for c in checks)):
            model.embed(vocabulary)
    groups = groups_of(model, recipe.optimiser)
    work = Pass(model, data.joint.vocabulary, recipe.words)
    stepper = Stepper(recipe, accelerator, work, groups, folder)
    average = Average(model, recipe.ema) if recipe.ema else None
    return TrainingSetup(accelerator, model, taken, data, checks, groups, stepper, average)


@dataclass(frozen=True)
class Taken:
    """What was taken from a checkpoint.

    Attributes:
        file: The checkpoint.
        loaded: Names of the tensors that were taken.
        missing: Tensors of the model that the file lacks.
        unused: Tensors of the file that the model lacks.
        reshaped: Tensors of both whose shapes differ; they were not taken.
        options: Options that differ between a file of the same preset and this model, each with both values.
    """

    file: str
    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    reshaped: tuple[str, ...]
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        options = f"; built with other options: {', '.join(self.options)}" if self.options else ""
        parts = ", ".join(dict.fromkeys(name.partition(".")[0] for name in self.missing))
        return (
            f"{counted(len(self.loaded), 'tensor')} from {self.file}; "
            f"{len(self.missing)} of the model are not in it{f' ({parts})' if parts else ''}, "
            f"{len(self.unused)} of it are not used, {len(self.reshaped)} have other shapes{options}"
        )


def build(recipe: Recipe) -> tuple[VideoModel, Taken | None]:
    """The model before the first step: the same for the same seed, on every process."""
    torch.manual_seed(recipe.seed)
    options = options_for(recipe)
    model = build_model(recipe.model.preset, options)
    if recipe.model.pretrained and not load_pretrained(model):
        raise InputError(
            f"No part of {recipe.model.preset} has published weights: set model.pretrained to false."
        )
    path = recipe.model.init_from
    taken = None if path is None else take_weights(model, Path(path), recipe.model.preset, options)
    freeze(model, recipe.model.freeze)
    return model, taken


def options_for(recipe: Recipe) -> dict[str, object]:
    """All options that the model is built with, so that a checkpoint does not depend on later defaults."""
    options = {**options_of(recipe.model.preset), **recipe.model.options}
    if recipe.clip.references is not None:
        if "references" not in options:
            raise InputError(
                f"clip.references is set, but {recipe.model.preset} has no option references: leave it out."
            )
        options["references"] = list(recipe.clip.references)
    return options


def take_weights(model: nn.Module, path: Path, preset: str, options: Mapping[str, object]) -> Taken:
    """Fill in the tensors that agree in name and shape from a checkpoint or the folder of a run.

    Files of other software are read if the preset knows their names.
    """
    file = checkpoint.find_checkpoint(path)
    if file is None:
        raise InputError(f"No checkpoint was found at {path}: correct model.init_from.")
    state = state_for(preset, file)
    own: Mapping[str, Tensor] = model.state_dict()
    common = [name for name in own if name in state]
    fitting = [name for name in common if own[name].shape == state[name].shape]
    if not fitting:
        raise InputError(f"No tensor of {file} fits the model: check model.init_from and model.preset.")
    model.load_state_dict({name: state[name] for name in fitting}, strict=False)
    note = checkpoint.read_metadata(file) if checkpoint.is_ours(file) else None
    there = note.options if note is not None and note.preset == preset else {}
    here = json.loads(json.dumps(options))  # as a checkpoint has them
    return Taken(
        file=str(file),
        loaded=tuple(fitting),
        missing=tuple(name for name in own if name not in state),
        unused=tuple(name for name in state if name not in own),
        reshaped=tuple(name for name in common if name not in set(fitting)),
        options=tuple(
            f"{key} {there[key]} there and {value} here"
            for key, value in here.items()
            if key in there and there[key] != value
        ),
    )


def with_shared_norms(model: VideoModel, accelerator: Accelerator) -> VideoModel:
    """With batch norms over the clips of all processes, which PyTorch supports on GPUs only."""
    if accelerator.num_processes == 1 or accelerator.device.type == "cpu":
        return model
    shared: VideoModel = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return shared


def accelerate_for(recipe: Recipe, *, cpu: bool) -> Accelerator:
    """The devices and processes, computing as the recipe says."""
    if recipe.precision == "fp16" and cpu:
        raise InputError("precision: fp16 needs a GPU: use bf16 or fp32.")
    if (
        torch.are_deterministic_algorithms_enabled() != recipe.deterministic
    ):  # the call costs seconds of imports
        # On CUDA some operations, of the loss too, have no deterministic version: a warning names each.
        torch.use_deterministic_algorithms(recipe.deterministic, warn_only=recipe.deterministic and not cpu)
    if not cpu and torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = recipe.tf32
    accelerator = Accelerator(
        cpu=cpu,
        mixed_precision={"fp32": "no"}.get(recipe.precision, recipe.precision),
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    kind = accelerator.distributed_type
    if kind in SHARDED:
        raise InputError(
            f"accelerate is configured for {kind.value}, which splits the weights, but here every process "
            "holds the whole model: start with torchrun, or remove it with `accelerate config`."
        )
    return accelerator
