"""Everything that a stage of training is put together from, before its first step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import DistributedType
from torch import nn

from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.training import validation
from openvss.training.average import Average
from openvss.training.forward import Pass
from openvss.training.groups import Group, groups_of
from openvss.training.recipe.schema import Recipe
from openvss.training.start import Taken, TrainingData, build, open_data
from openvss.training.step import Stepper

# States and moving averages are of whole weights, and models are scored by their parts.
SHARDED = (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM)


@dataclass(frozen=True, eq=False)
class TrainingSetup:
    """What a stage works with.

    Attributes:
        accelerator: Devices and processes.
        model: In training.
        taken: What it took from a checkpoint, None if there was none to take from.
        data: What it learns from.
        checks: What it is scored on.
        groups: How its parameters are trained.
        stepper: Takes its steps.
        average: Of its weights, if that is wanted.
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
    """Find and build everything; what is wrong with a recipe comes out here."""
    accelerator = accelerate_for(recipe, cpu=cpu)
    model, taken = build(recipe)
    model = with_shared_norms(model, accelerator)
    checks = validation.open_checks(recipe)
    data = open_data(recipe, model, checks)
    if model.fixed_words is not None:  # a word that it lacks is found now, and not at the first validation
        for vocabulary in (data.joint.vocabulary, *(c.task.rules.choose_words(c.task.words) for c in checks)):
            model.embed(vocabulary)
    groups = groups_of(model, recipe.optimiser)
    work = Pass(model, data.joint.vocabulary, recipe.words)
    stepper = Stepper(recipe, accelerator, work, groups, folder)
    average = Average(model, recipe.ema) if recipe.ema else None
    return TrainingSetup(accelerator, model, taken, data, checks, groups, stepper, average)


def with_shared_norms(model: VideoModel, accelerator: Accelerator) -> VideoModel:
    """With batch norms of the clips of all processes together, which PyTorch has for GPUs alone."""
    if accelerator.num_processes == 1 or accelerator.device.type == "cpu":
        return model
    shared: VideoModel = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return shared


def accelerate_for(recipe: Recipe, *, cpu: bool) -> Accelerator:
    """The devices, with what the recipe says of computing."""
    if recipe.precision == "fp16" and cpu:
        raise InputError("precision: fp16 needs a GPU: use bf16 or fp32.")
    if torch.are_deterministic_algorithms_enabled() != recipe.deterministic:  # else seconds of imports
        # On CUDA some have no such implementation, the loss's own among them: a warning names each.
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
            f"accelerate is set to {kind.value}, which splits the weights, and every process holds the whole "
            "model here: start with torchrun, or leave it out of `accelerate config`."
        )
    return accelerator
