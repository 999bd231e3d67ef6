"""What a recipe would do: its data and parameters, and the time of a few trial steps."""

from __future__ import annotations

import math
import sys
import tempfile
import time
from pathlib import Path

import torch

from openvss.training import safety, validation
from openvss.training.data.batches import load
from openvss.training.recipe.schema import Recipe
from openvss.training.setup import TrainingSetup, assemble
from openvss.wording import counted

TRIED = 3  # steps, of which the first is not timed


def plan(recipe: Recipe, *, cpu: bool) -> list[str]:
    """The plan of one stage, line by line."""
    with tempfile.TemporaryDirectory() as name:
        setup = assemble(recipe, Path(name), cpu)
        lines = [*_data(recipe, setup), *_parameters(recipe, setup)]
        made = recipe.clip.context == "made" or any(one.labels == "made" for one in recipe.data.train)
        seconds = None if made else _try(recipe, setup)
        return [*lines, *_memory(setup, tried=seconds is not None), *_time(recipe, setup, seconds)]


def _data(recipe: Recipe, setup: TrainingSetup) -> list[str]:
    lines = ["data:"]
    for source in setup.data.sources:
        clips = len(source.dataset.clips)
        lines.append(
            f"  {source.setting.set} {source.dataset.split}: {counted(clips, 'clip')}, "
            f"{counted(len(source), 'sample')}, {counted(len(source.words), 'word')}, "
            f"weight {source.setting.weight:g}"
        )
    for name, videos in validation.held_out(setup.checks).items():
        verb = "is" if len(videos) == 1 else "are"
        lines.append(
            f"  {counted(len(videos), 'clip')} {verb} held out for validation{f' {name}' if name else ''}"
        )
    if setup.taken is not None:
        lines.append(f"  weights: {setup.taken}")
    per_step = recipe.data.batch * recipe.data.accumulate * setup.accelerator.num_processes
    total = per_step * recipe.schedule.steps
    laps = total / sum(len(source) for source in setup.data.sources)
    words = len(setup.data.joint.vocabulary)
    lines.append(
        f"  {counted(words, 'word')} in all; {counted(per_step, 'sample')} a step, {total:,} in all: "
        f"{laps:.1f} times each"
    )
    return lines


def _parameters(recipe: Recipe, setup: TrainingSetup) -> list[str]:
    lines = ["parameters:"]
    for group in setup.groups:
        count = sum(p.numel() for p in group.parameters)
        inside = ", ".join(dict.fromkeys(name.partition(".")[0] for name in group.names))
        share = group.lr / recipe.optimiser.lr
        lowered = "" if share == 1 else f" ({share:g} of optimiser.lr)"
        lines.append(f"  {count:,} at rate {group.lr:g}{lowered}, decay {group.weight_decay:g}: {inside}")
    frozen = sum(p.numel() for p in setup.model.parameters() if not p.requires_grad)
    return [*lines, f"  {frozen:,} frozen"] if frozen else lines


def _try(recipe: Recipe, setup: TrainingSetup) -> float:
    """Seconds that a step takes."""
    accumulate = recipe.data.accumulate
    numbers, device = range(TRIED * accumulate), setup.accelerator.device
    batches = load(setup.data.batches, numbers, recipe.data, device, lambda: None)
    started, stop = time.monotonic(), safety.StopRequest()
    for step in range(TRIED):
        setup.stepper.take(step, batches, stop)
        if step == 0:
            started = time.monotonic()
    return (time.monotonic() - started) / (TRIED - 1)


def _memory(setup: TrainingSetup, *, tried: bool) -> list[str]:
    def size(trained_only: bool) -> int:
        chosen = (p for p in setup.model.parameters() if p.requires_grad or not trained_only)
        return sum(p.numel() * p.element_size() for p in chosen)

    copies = 3 + (setup.average is not None)  # gradient and two moments
    kept = size(False) + copies * size(True)
    lines = ["memory:", f"  {_megabytes(kept)} for weights, gradients, moments and average"]
    peak = _peak(setup.accelerator.device) if tried else None
    if peak is not None:
        lines.append(f"  {_megabytes(peak)} in total at most in {TRIED} steps")
    return lines


def _peak(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _time(recipe: Recipe, setup: TrainingSetup, seconds: float | None) -> list[str]:
    steps = recipe.schedule.steps
    lines = ["time:"]
    if seconds is None:
        lines.append(f"  {counted(steps, 'step')}; their time is not known before targets are made")
    else:
        lines.append(f"  {counted(steps, 'step')} of {seconds:.2f} s: {_duration(seconds * steps)}")
    if recipe.validation is not None:
        times = math.ceil(steps / recipe.validation.every) + recipe.validation.before
        frames = sum(check.task.n_frames for check in setup.checks)
        lines.append(f"  and {counted(times, 'validation')} of {counted(frames, 'frame')}")
        lines += validation.remarks(recipe, setup.checks, setup.data.joint.vocabulary)
    return lines


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.0f} MB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
