"""Self-training on pictures with words that were never trained on: the toy version of table 2 of STSeg.

    python -m projects.toy.selftrain --out DIR [--workers 2] [--cells N]

Stage 1 trains on labelled pictures of seen compositions. Stage 2 trains on pictures of seen and unseen ones
without their labels, which the model makes and a small SAM refines. Both are tested on further pictures. The
image-text pair and the SAM are trained first, on seen compositions, and are the same for all seeds, as public
models would be; a seed decides the pictures, the start of the decoder and the order of training. A finished
cell is a JSON file; the same command goes on after an interruption.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file

from benchmarks.machine import describe
from openvss.data.catalogue import open_dataset
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.report.results import metrics
from openvss.evaluation.runner import Evaluation
from openvss.evaluation.streaming import ModelPredictions
from openvss.evaluation.video_scores import score_video
from openvss.models.trained import load_model
from openvss.segmenting.segmenter import Segmenter
from openvss.training.recipe.reader import read_stages
from openvss.training.run import RunOptions, train
from openvss.training.runs.log import Watcher
from projects.toy.data import SEEN, ToyVideos, make_videos, protocol
from projects.toy.pair import PairSettings, train_pair
from projects.toy.report import spread
from projects.toy.sam import SamSettings, train_sam
from projects.toy.table import in_processes

# Row -> its stage 1, whether it has DEA, and what its stage 2 changes; None if it has no stage 2.
ROWS: dict[str, tuple[str, bool, tuple[str, ...] | None]] = {
    "baseline": ("baseline", False, None),
    "dea": ("dea", True, None),
    "st": ("baseline", False, ()),
    "dea-st": ("dea", True, ()),
    "st-no-sam": ("baseline", False, ("targets.options.prior=none",)),
}
LINES = {
    "baseline": ("baseline", 31.6),
    "dea": ("+ DEA", 32.2),
    "st": ("+ self-training", 32.5),
    "dea-st": ("+ both", 33.2),
    "st-no-sam": ("self-training without SAM's masks", None),
}
METRICS = {"unseen_miou": "unseen mIoU", "seen_miou": "seen mIoU", "hiou": "harmonic"}


@dataclass(frozen=True)
class SelfTraining:
    """The plan and the folder of its results."""

    plan: Mapping[str, Any]
    out: Path

    def cell(self, row: str, seed: int) -> Path:
        """The result of a row with a seed."""
        return self.out / "cells" / f"{row}-{seed}.json"

    def run(self, row: str, seed: int) -> Path:
        """The folder of its training."""
        return self.out / "runs" / f"{row}-{seed}"

    def data(self, seed: int) -> Path:
        """The pictures of a seed."""
        return self.out / "data" / str(seed)


def prepare(bench: SelfTraining, seed: int) -> None:
    """Public models, once, and the pictures of a seed."""
    torch.set_num_threads(1)
    videos = ToyVideos(**{**bench.plan["pictures"], "size": tuple(bench.plan["pictures"]["size"])})
    make_videos(bench.data(seed), seed, videos)
    start = bench.out / "start.safetensors"
    if start.exists():
        return
    pair = train_pair(0, PairSettings(size=videos.size, window=videos.size[1] // 2))
    sam = train_sam(0, SamSettings(size=videos.size))
    whole = {name: value.clone() for name, value in sam.state_dict().items()}
    save_file(whole, bench.out / "sam.safetensors")
    state = {f"pair.toy.{name}": value.clone() for name, value in pair.state_dict().items()}
    state |= {f"sam.{name}": value for name, value in whole.items()}
    save_file(state, start.with_suffix(".tmp"))
    start.with_suffix(".tmp").replace(start)


def run_cell(bench: SelfTraining, row: str, seed: int) -> None:
    """Train and test a row, whose stage 1 is finished if it has a stage 2."""
    torch.set_num_threads(1)
    began = time.process_time()
    first, dea, changes = ROWS[row]
    stage, data = "stage1" if changes is None else "stage2", bench.data(seed)
    overrides = [f"seed={seed}", *(Path(bench.plan["dea"]).read_text().split()[1::2] if dea else [])]
    if changes is None:
        overrides += [f"model.init_from={bench.out / 'start.safetensors'}"]
        overrides += [f"data.train.0.set=folder:{data / 'seen'}"]
    else:
        seen = ", ".join(look.word for look in SEEN)
        overrides += [f"model.init_from={bench.run(first, seed)}", f"data.train.0.set=folder:{data / 'all'}"]
        overrides += [f"words.seen={seen}", f"targets.options.sam_weights={bench.out / 'sam.safetensors'}"]
        overrides += changes
    stages = read_stages(Path(bench.plan[stage]), overrides)
    run = train(stages, bench.run(row, seed), RunOptions(resume=True, cpu=True), Watcher())
    result = {"metrics": test(run, data), "cpu_seconds": time.process_time() - began, "machine": describe()}
    result["rounds"] = [json.loads(file.read_text()) for file in sorted(run.glob("targets/*/0/report.json"))]
    file = bench.cell(row, seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.with_suffix(".tmp").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    file.with_suffix(".tmp").replace(file)


def test(run: Path, data: Path) -> dict[str, Any]:
    """What `openvss evaluate` would say."""
    dataset = open_dataset(f"folder:{data / 'all'}", "test")
    task = Task(dataset, dataset.vocabulary, protocol())
    segmenter = Segmenter(load_model(str(run)), dataset.vocabulary, size=64, device="cpu")
    predictions, found = (
        ModelPredictions(segmenter, task.rules, {}),
        Evaluation(task),
    )
    for number in range(len(dataset.clips)):
        found.add(score_video(task, predictions, number))
    return metrics(task, {}, found)


def report(bench: SelfTraining) -> str:
    """Markdown of what is finished."""
    cells = {
        (row, seed): json.loads(bench.cell(row, seed).read_text())
        for row in ROWS
        for seed in bench.plan["seeds"]
        if bench.cell(row, seed).exists()
    }
    head = ["", *METRICS.values(), "unseen − its stage 1, paired", "published mIoU (A-150)"]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(['---', *['---:'] * (len(head) - 1)])} |"]
    for row, (text, published) in LINES.items():
        seeds = [seed for seed in bench.plan["seeds"] if (row, seed) in cells]
        values = [spread([cells[row, s]["metrics"][name] for s in seeds]) for name in METRICS]
        first = ROWS[row][0]
        gains = [
            cells[row, s]["metrics"]["unseen_miou"] - cells[first, s]["metrics"]["unseen_miou"] for s in seeds
        ]
        gain = spread(gains, signed=True) if first != row else ""
        lines.append(f"| {' | '.join([text, *values, gain, f'{published or chr(8211)}'])} |")
    minutes = sum(cell["cpu_seconds"] for cell in cells.values()) / 60
    done = f"{len(cells)} of {len(ROWS) * len(bench.plan['seeds'])} cells, {minutes:.0f} core minutes"
    return "\n".join([f"{done}; mean ± standard deviation over seeds", "", *lines])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2, help="cells at a time, of one thread each")
    parser.add_argument("--cells", type=int, help="stop after so many; 0 only prints the table")
    parser.add_argument("--plan", type=Path, default=Path(__file__).with_suffix(".yaml"))
    parser.add_argument("--seeds", type=int, nargs="+", help="in place of the plan's")
    parser.add_argument("--rows", nargs="+", default=list(ROWS))
    arguments = parser.parse_args()
    plan = yaml.safe_load(arguments.plan.read_text(encoding="utf-8"))
    bench = SelfTraining({**plan, "seeds": arguments.seeds or plan["seeds"]}, arguments.out)
    pending = [
        (row, seed)
        for row in arguments.rows
        for seed in bench.plan["seeds"]
        if not bench.cell(row, seed).exists()
    ][: arguments.cells]
    if pending:
        seeds = sorted({seed for _, seed in pending})
        in_processes(1, prepare, [(bench, seed) for seed in seeds[:1]])
        in_processes(arguments.workers, prepare, [(bench, seed) for seed in seeds[1:]])
        for first in (True, False):  # stage 2 starts from stage 1
            cells = [(bench, row, seed) for row, seed in pending if (ROWS[row][2] is None) == first]
            in_processes(arguments.workers, run_cell, cells)
    print(describe())
    print(report(bench))


if __name__ == "__main__":
    main()
