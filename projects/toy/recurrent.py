"""What the recurrent mode of OV2VSS loses: models of a toy table, tested in both modes.

    python -m projects.toy.table3 --out DIR
    python -m projects.toy.recurrent projects/toy/table3.yaml --out DIR --rows full rfe-stcf

The weights are the same. The exact mode looks back 9, 6 and 3 frames and was trained so; the recurrent mode
carries one memory from frame to frame.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.machine import describe
from openvss.data.catalogue import open_dataset
from openvss.models.base import VideoModel
from openvss.models.registry import build_model
from openvss.weights import checkpoint
from projects.toy.plan import Bench
from projects.toy.table import evaluate


def recurrent(run: Path) -> VideoModel:
    """The model of a run, looking back at its memory."""
    file = checkpoint.find_checkpoint(run)
    assert file is not None
    note = checkpoint.read_metadata(file)
    model = build_model(note.preset, {**note.options, "recurrent": True})
    model.load_state_dict(checkpoint.load_state(file), strict=True)
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("plan", type=Path, help="of the table")
    parser.add_argument("--out", type=Path, required=True, help="where its models are")
    parser.add_argument("--rows", nargs="+", required=True)
    arguments = parser.parse_args()
    bench = Bench(arguments.plan, arguments.out)
    torch.set_num_threads(1)
    plan, done = bench.plan, bench.results()
    print(describe())
    titles = ["row", "seed", "mode", *plan.metrics.values()]
    print("\n|", " | ".join(titles), "|\n|", " | ".join(["---"] * 3 + ["---:"] * len(plan.metrics)), "|")
    for row, seed in ((row, seed) for row in arguments.rows for seed in plan.seeds if (row, seed) in done):
        test = open_dataset(f"folder:{bench.data(seed) / plan.test}", "test")
        modes = {
            "exact": done[row, seed]["metrics"],
            "recurrent": evaluate(recurrent(bench.out / "runs" / f"{row}-{seed}"), test, plan),
        }
        for mode, scores in modes.items():
            numbers = [f"{100 * scores[name]:.2f}" for name in plan.metrics]
            print("|", " | ".join([row, str(seed), mode, *numbers]), "|", flush=True)


if __name__ == "__main__":
    main()
