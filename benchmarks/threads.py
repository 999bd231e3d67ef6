"""What OpenMP's way of waiting costs beside other work: `python -m benchmarks.threads --clip CLIP`.

Each run is a whole `openvss segment` on the CPU, from its start to its end, beside busy loops. Settings take
turns, and within a round each is compared with the best one that a user can choose.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.machine import describe

WORDS = "dog, grass, person, tree"
BEFORE = "before: no variable set"
DEFAULT = "default"
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
# GNU's OpenMP spins this often if no variable is set; its own variable counts before OMP_WAIT_POLICY.
SPINNING = {"GOMP_SPINCOUNT": "300000"}


def settings(spinning: bool) -> dict[str, tuple[dict[str, str], tuple[str, ...]]]:
    """Variables and options by name."""
    return {
        DEFAULT: ({}, ()),
        "--threads 1": ({}, ("--threads", "1")),
        "--threads 2": ({}, ("--threads", "2")),
        **({BEFORE: (SPINNING, ())} if spinning else {}),
    }


@contextlib.contextmanager
def busy(number: int) -> Iterator[None]:
    """So many processes that do nothing but count."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def seconds(clip: Path, frames: int, out: Path, variables: dict[str, str], options: tuple[str, ...]) -> float:
    """How long a whole `openvss segment` takes."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    command = [sys.executable, "-m", "openvss", "segment", str(clip), WORDS, "--max-frames", str(frames)]
    rest = ["--device", "cpu", "--format", "png", "--out", str(out), "--overwrite", "-q"]
    start = time.perf_counter()
    subprocess.run([*command, *rest, *options], env={**environment, **variables}, check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--busy", type=int, default=2, help="loops beside it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spinning-rounds", type=int, default=1, help="rounds with the slow setting, too")
    given = parser.parse_args()
    print(describe(), flush=True)
    taken: dict[str, list[float]] = {name: [] for name in settings(spinning=True)}
    shares: dict[str, list[float]] = {name: [] for name in taken}
    with tempfile.TemporaryDirectory() as folder, busy(given.busy):
        for number in range(given.rounds):
            chosen = settings(spinning=number < given.spinning_rounds)
            names = list(chosen)[::-1] if number % 2 else list(chosen)
            for name in names:
                taken[name].append(seconds(given.clip, given.frames, Path(folder) / "out", *chosen[name]))
                print(f"{name}: {taken[name][-1]:.1f} s", file=sys.stderr, flush=True)
            best = min(taken[name][-1] for name in chosen)
            for name in chosen:
                shares[name].append(best / taken[name][-1])
    print(
        f"\n| {given.frames} frames beside {given.busy} busy loops | rounds | seconds (median) | frames/s",
        end="",
    )
    print(" | of the round's best |\n| --- | ---: | ---: | ---: | ---: |")
    for name in taken:
        if taken[name]:
            middle = statistics.median(taken[name])
            print(f"| {name} | {len(taken[name])} | {middle:.1f} | {given.frames / middle:.2f}", end="")
            print(f" | {statistics.median(shares[name]):.2f} |")


if __name__ == "__main__":
    main()
