"""Toy tables: how methods compare on small noisy videos, with every number paired over seeds.

    python -m projects.toy.table PLAN.yaml --out DIR [--workers 2] [--cells N]

A plan names a recipe, rows (overrides of that recipe) and seeds. A seed decides the videos, the image-text
pair, the start weights and the order of training, and is the same for all rows: differences are paired. Each
finished cell, one row with one seed, is a JSON file; run the command again and it goes on. The table of what
is finished is printed at the end.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file

from benchmarks.machine import describe
from openvss.data.base import Clip, Dataset, Ids
from openvss.data.catalogue import open_dataset
from openvss.data.protocol import PLAIN
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.predictions import Predictions
from openvss.evaluation.protocol import find_protocol
from openvss.evaluation.report.results import metrics
from openvss.evaluation.runner import Evaluation
from openvss.evaluation.streaming import ModelPredictions
from openvss.evaluation.video_scores import score_video
from openvss.models.base import VideoModel
from openvss.models.trained import load_model
from openvss.segmenting.segmenter import Segmenter
from openvss.training.recipe.reader import Stage, read_stages
from openvss.training.run import RunOptions, train
from openvss.training.runs.log import Watcher
from projects.toy.data import make_videos, protocol
from projects.toy.oracle import Oracle
from projects.toy.pair import PairSettings, train_pair
from projects.toy.plan import Bench, Plan
from projects.toy.report import report


def prepare(bench: Bench, seed: int) -> None:
    """Videos and image-text pair of a seed, unless they are there."""
    torch.set_num_threads(1)
    plan = bench.plan
    make_videos(bench.data(seed), seed, plan.videos)
    if plan.oracle is not None:
        clean = dataclasses.replace(plan.videos, noise=0, blur=0, occlusion=0, train=1)
        make_videos(bench.clean(seed), seed, clean)
    file = bench.start(seed)
    if plan.pair_steps is not None and not file.exists():
        pair = train_pair(seed, PairSettings(steps=plan.pair_steps, noise=plan.pair_noise))
        state = {f"pair.{name}": value for name, value in pair.state_dict().items()}
        state |= {f"backbone.{name}": value.clone() for name, value in pair.backbone.state_dict().items()}
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file(state, file.with_suffix(".tmp"))
        file.with_suffix(".tmp").replace(file)


def starting_from(stage: Stage, weights: Path) -> Stage:
    """The first stage alone: a later one starts from the one before unless it is told otherwise."""
    model = stage.recipe.model.model_copy(update={"init_from": str(weights)})
    return Stage(stage.name, stage.recipe.model_copy(update={"model": model}))


def run_cell(bench: Bench, row: str, seed: int) -> None:
    """Train and test one row with one seed."""
    torch.set_num_threads(1)
    plan, data, began = bench.plan, bench.data(seed), (time.monotonic(), time.process_time())
    overrides = [*plan.rows[row], f"seed={seed}", f"data.train.0.set=folder:{data / 'seen'}"]
    stages = read_stages(Path(plan.recipe), overrides)
    if plan.pair_steps is not None:
        stages[0] = starting_from(stages[0], bench.start(seed))
    run = train(stages, bench.out / "runs" / f"{row}-{seed}", RunOptions(resume=True, cpu=True), Watcher())
    trained = time.monotonic() - began[0]
    model = load_model(str(run))
    test = open_dataset(f"folder:{data / plan.test}", "test")
    context = plan.context(row)
    result = {
        "row": row,
        "seed": seed,
        "frozen": bench.frozen,
        "metrics": evaluate(model, test, plan, context=context),
        "copies": evaluate(model, test, plan, Copies, context),
        "oracle": oracle(model, test, bench, seed) if row == plan.oracle else None,
        "parameters": sum(p.numel() for p in model.parameters()),
        "train_seconds": trained,
        "seconds": time.monotonic() - began[0],
        "cpu_seconds": time.process_time() - began[1],
        "machine": describe(),
    }
    file = bench.cell(row, seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.with_suffix(".tmp").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    file.with_suffix(".tmp").replace(file)


class Copies(ModelPredictions):
    """Every frame as the first of its video: its references and its past are copies of itself."""

    def of(self, clip: Clip) -> Iterator[tuple[int, Ids]]:
        """The classes of every labelled frame."""
        for index, label in enumerate(clip.labels):
            if label is not None:
                alone = Clip(clip.name, clip.frames[index : index + 1], (label,))
                for _, ids in super().of(alone):
                    yield index, ids


def evaluate(
    model: VideoModel,
    dataset: Dataset,
    plan: Plan,
    how: type[ModelPredictions] = ModelPredictions,
    context: Literal["past", "whole"] = "past",
) -> dict[str, Any]:
    """What `openvss evaluate` would say, streaming through every frame."""
    task = task_of(dataset, plan)
    size = min(plan.videos.size)
    segmenter = Segmenter(model, task.words, size=size, device="cpu", context=context)
    return score(task, how(segmenter, task.rules, {}))


def oracle(model: VideoModel, dataset: Dataset, bench: Bench, seed: int) -> dict[str, Any]:
    """The upper bound."""
    task = task_of(dataset, bench.plan)
    return score(task, Oracle(model, dataset, bench.clean(seed) / bench.plan.test, task.rules))


def task_of(dataset: Dataset, plan: Plan) -> Task:
    """With the table's words and rules."""
    words = dataset.vocabulary
    return Task(dataset, words, protocol() if plan.test == "all" else find_protocol(PLAIN, words))


def score(task: Task, predictions: Predictions) -> dict[str, Any]:
    """The metrics of all videos."""
    found = Evaluation(task)
    for number in range(len(task.dataset.clips)):
        found.add(score_video(task, predictions, number))
    return metrics(task, {}, found)


def run(bench: Bench, workers: int, cells: int | None) -> None:
    """Make what is missing: videos and pairs, then at most so many cells."""
    plan, done = bench.plan, bench.results()
    pending = [(row, seed) for row in plan.rows for seed in plan.seeds if (row, seed) not in done][:cells]
    in_processes(workers, prepare, [(bench, seed) for seed in sorted({seed for _, seed in pending})])
    in_processes(workers, run_cell, [(bench, row, seed) for row, seed in pending])


def main(plan: Path | None = None) -> None:
    """Run a plan; its file is an argument unless the caller has one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if plan is None:
        parser.add_argument("plan", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2, help="cells at a time, of one thread each")
    parser.add_argument("--cells", type=int, help="stop after so many; 0 only prints the table")
    arguments = parser.parse_args()
    bench = Bench(plan or arguments.plan, arguments.out)
    run(bench, arguments.workers, arguments.cells)
    print(describe())
    print(report(bench))


def in_processes(workers: int, work: Callable[..., None], tasks: Iterable[tuple[Any, ...]]) -> None:
    """Each task in a fresh process: it leaves nothing behind that could change the next one's result."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=1) as pool:
        waiting = {pool.submit(work, *task): task for task in tasks}
        for future in as_completed(waiting):
            future.result()
            print("done:", work.__name__, *waiting[future][1:], flush=True)


if __name__ == "__main__":
    main()
