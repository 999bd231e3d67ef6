"""What the recurrent mode of OV2VSS loses: the whole models of the toy Table III, tested in both modes.

    python -m benchmarks.table3 --out DIR
    python -m benchmarks.recurrent --out DIR

The weights are the same. The exact mode looks back 9, 6 and 3 frames and was trained so; the recurrent mode
carries one memory from frame to frame.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.machine import describe
from benchmarks.toyplan import Bench
from benchmarks.toytable import evaluate
from openvss.data.catalogue import open_dataset
from openvss.models.base import VideoModel
from openvss.models.presets import build_model
from openvss.weights import checkpoint

ROW = "full"


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
    parser.add_argument("--out", type=Path, required=True, help="of benchmarks.table3")
    bench = Bench(Path(__file__).with_name("table3.yaml"), parser.parse_args().out)
    torch.set_num_threads(1)
    plan, done = bench.plan, bench.results()
    print(describe())
    print(
        "\n| seed | mode |",
        " | ".join(plan.metrics.values()),
        "|\n| --- | --- |",
        "---: | " * len(plan.metrics),
    )
    for seed in (seed for seed in plan.seeds if (ROW, seed) in done):
        test = open_dataset(f"folder:{bench.data(seed) / plan.test}", "test")
        modes = {
            "exact": done[ROW, seed]["metrics"],
            "recurrent": evaluate(recurrent(bench.out / "runs" / f"{ROW}-{seed}"), test, plan),
        }
        for mode, scores in modes.items():
            print(
                f"| {seed} | {mode} |", " | ".join(f"{100 * scores[name]:.2f}" for name in plan.metrics), "|"
            )


if __name__ == "__main__":
    main()
