"""What the training loop costs beside the model: `python -m benchmarks.training`.

The small twin of the OV2VSS recipe trains on rendered VSPW. After each step of the engine the same batches go
through a bare loop (forward, loss, backward, clipping, AdamW; no data, log, average or checks) on a copy
of the model, so that both meet the machine in the same state. Times are wall clock, and processor time of the
training process, which other work on the machine does not change. Without workers that process prepares the
batches itself; with one it only waits for them.
"""

from __future__ import annotations

import argparse
import copy
import math
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.machine import describe
from openvss.data.make import make
from openvss.data.synthetic.job import RenderOptions
from openvss.training.data.batches import Batch
from openvss.training.recipe.reader import read_stages
from openvss.training.recipe.schema import Recipe
from openvss.training.runs.folder import RunFolder
from openvss.training.runs.log import Watcher
from openvss.training.setup import assemble
from openvss.training.stepper import Pass, seed_all
from openvss.training.trainer import Trainer

RECIPES = Path(__file__).parents[1] / "recipes" / "ov2vss"
WARM = 3  # steps that do not count

Times = tuple[float, float]  # wall and processor seconds


def twin(data: Path, steps: int, workers: int) -> Recipe:
    """The small recipe, without validation and with a moving average."""
    words = (RECIPES / "small-mit-b2.set").read_text(encoding="utf-8").split()
    changes = [word for word in words if word != "--set" and not word.startswith("validation")]
    more = [f"data.train.0.set=vspw:{data}", f"schedule.steps={steps}", "validation=null", "ema=0.99"]
    more.append(f"data.workers={workers}")
    return read_stages(RECIPES / "vspw-mit-b2.yaml", [*changes, *more])[0].recipe


class Bare:
    """The least that trains a model on batches that are there."""

    def __init__(self, work: Pass, recipe: Recipe) -> None:
        self._work, self._recipe = work, recipe
        self._parameters = [p for p in work.parameters() if p.requires_grad]
        self._optimiser = torch.optim.AdamW(self._parameters, lr=recipe.optimiser.lr)

    def step(self, batches: list[Batch]) -> Times:
        """What one step takes."""
        start = now()
        for batch in batches:
            total = torch.stack(list(self._work(batch).values())).sum()
            torch.autograd.backward(total / len(batches))
        nn.utils.clip_grad_norm_(self._parameters, self._recipe.optimiser.clip_norm or math.inf)
        self._optimiser.step()
        self._optimiser.zero_grad()
        return since(start)


def now() -> Times:
    return time.perf_counter(), time.process_time()


def since(start: Times) -> Times:
    end = now()
    return end[0] - start[0], end[1] - start[1]


def measure(data: Path, out: Path, steps: int, workers: int) -> tuple[list[Times], list[Times]]:
    """Of each step, what the engine and what the bare loop takes."""
    recipe = twin(data, steps, workers)
    parts = assemble(recipe, out, True)
    work = Pass(copy.deepcopy(parts.model).train(), parts.data.joint.vocabulary, recipe.words)
    bare, per_step = Bare(work, recipe), recipe.data.accumulate
    engine_times: list[Times] = []
    bare_times: list[Times] = []
    started = [now()]

    def after_step(done: int, total: int, entry: dict[str, Any] | None) -> None:
        engine_times.append(since(started[0]))
        batches = [parts.data.batches[n] for n in range((done - 1) * per_step, done * per_step)]
        seed_all(recipe.seed, done)
        bare_times.append(bare.step(batches))
        started[0] = now()

    folder = RunFolder(out, recipe)
    folder.claim(resume=False, overwrite=False)
    Trainer(recipe, parts, folder, Watcher(step=after_step)).run(resume=False)
    folder.release()
    return engine_times[WARM:], bare_times[WARM:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(describe())
    print(f"\n| {arguments.steps} steps of 4 clips, medians | engine (ms) | bare loop (ms) | ratio |")
    print("| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "vspw"
        make("vspw", data, 0, RenderOptions(videos=6))
        for workers in (0, 1):
            engine, bare = measure(data, Path(name) / f"run{workers}", arguments.steps + WARM, workers)
            for place, kind in enumerate(("wall clock", "processor time")):
                ours, theirs = ([1000 * times[place] for times in one] for one in (engine, bare))
                ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
                row = f"{statistics.median(ours):.1f} | {statistics.median(theirs):.1f} | {ratio:.3f}"
                print(f"| {workers} workers, {kind} | {row} |")


if __name__ == "__main__":
    main()
