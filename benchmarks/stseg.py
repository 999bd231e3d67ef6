"""SED's decoder as published: what a word costs, in time and memory; `python -m benchmarks.stseg`.

Weights and features are random: the cost does not depend on them. Times are processor time of one thread.
Each list of words is measured in a process of its own, so that memory is that list's. What early rejection
saves depends on the weights: `projects/toy/early_rejection.py`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor

import torch
import torch.nn.functional as F

from benchmarks.machine import describe
from openvss.models.stseg.decoder import SEDDecoder


def measure(words: int, side: int, together: bool) -> tuple[float, float]:
    """Seconds, and megabytes of the process at most above what it had before.

    Args:
        words: How many.
        side: Of the square that the frame is squashed to.
        together: Whether all words pass at once, and not part by part.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    decoder, grid = SEDDecoder().eval(), side // 32
    decoder.workspace = 1 << 62 if together else decoder.workspace
    dense = torch.randn(1, 640, grid, grid)
    skips = [torch.randn(1, c, grid * s, grid * s) for c, s in ((128, 8), (256, 4), (512, 2))]
    embeddings = F.normalize(torch.randn(words, 80, 640), dim=-1)
    with torch.inference_mode():
        decoder(dense, skips, embeddings[:1])
        before, began = _peak(), time.process_time()
        decoder(dense, skips, embeddings)
        return time.process_time() - began, _peak() - before


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=384, help="of the square that the frame is squashed to")
    parser.add_argument("--words", type=int, nargs="+", default=[1, 10, 100, 847])
    parser.add_argument("--together", type=int, nargs="*", default=[100], help="lists to pass at once, too")
    arguments = parser.parse_args()
    print(describe())
    print(f"| words | at {arguments.side} x {arguments.side}, s | ms a word | memory, MB |")
    print("| ---: | ---: | ---: | ---: |")
    cases = [(n, False) for n in sorted(arguments.words)] + [(n, True) for n in sorted(arguments.together)]
    for n, together in cases:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            seconds, memory = pool.submit(measure, n, arguments.side, together).result()
        name = f"{n}, all at once" if together else str(n)
        print(f"| {name} | {seconds:.1f} | {1000 * seconds / n:.0f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
