"""What can go wrong in a step, and a sentence with the remedy."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from safetensors.torch import save_file

from openvss.errors import TrainingError, is_out_of_memory
from openvss.training.data.batches import Learnable
from openvss.training.recipe.schema import Recipe
from openvss.wording import counted


class StopRequest:
    """Whether a signal asked the run to stop after this step; a second signal stops it at once."""

    def __init__(self) -> None:
        self.made = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.made = True
        before = self._before[number]
        signal.signal(number, before)


def report_not_finite(
    folder: Path, step: int, batches: Sequence[Learnable], what: str, rank: int
) -> TrainingError:
    """Save the batches of a step whose loss or gradient is not finite; returns the error that names them."""
    file = folder / (f"bad-step-{step}.safetensors" if not rank else f"bad-step-{step}-{rank}.safetensors")
    tensors: dict[str, torch.Tensor] = {}
    for place, batch in enumerate(batches):
        tensors |= {f"{place}/{name}": tensor for name, tensor in batch.tensors().items()}
    names = [name for batch in batches for name in batch.names]
    save_file({name: t.contiguous() for name, t in tensors.items()}, file, {"names": json.dumps(names)})
    shown = "; ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return TrainingError(
        f"The {what} is not finite in step {step}, with {shown} (saved as {file}): lower optimiser.lr, set "
        "optimiser.clip_norm, or check this batch."
    )


@contextmanager
def memory_advice(recipe: Recipe, step: int, batch: Learnable) -> Iterator[None]:
    """Turn an out-of-memory error into advice."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        height, width = recipe.view.crop
        raise TrainingError(
            f"Out of memory in step {step} with {counted(recipe.data.batch, 'clip')} of {width}x{height} and "
            f"{counted(len(batch.words), 'word')}: {_advice(recipe, batch)}."
        ) from error


def _advice(recipe: Recipe, batch: Learnable) -> str:
    size = recipe.data.batch
    if size > 1:
        fewer = size // 2 if size % 2 == 0 else 1
        more = recipe.data.accumulate * size // fewer
        return f"lower data.batch to {fewer} and raise data.accumulate to {more}, which trains the same"
    if len(batch.words) > 64:
        return f"give fewer words at a time with words.cap, such as {max(16, len(batch.words) // 2)}"
    height, width = recipe.view.crop
    return f"lower view.crop, such as to [{height * 3 // 4 // 32 * 32}, {width * 3 // 4 // 32 * 32}]"
