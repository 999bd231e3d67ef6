"""What sharpening labels along the frame's edges gives and costs, for the bundled model in one run.

Run `python -m projects.tiny.benchmarks.edges --davis ROOT [--every 1]`.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe
from openvss import load
from openvss.data.catalogue import open_dataset
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.protocol import find_protocol
from openvss.evaluation.report.results import metrics
from openvss.evaluation.runner import Evaluation
from openvss.evaluation.streaming import ModelPredictions
from openvss.evaluation.video_scores import score_video
from openvss.segmenting.segmenter import Segmenter
from openvss.words.vocabulary import Vocabulary

WORDS = (
    "swan, camel, car, dog, person, horse, bicycle, motorcycle, cow, goat, "
    "grass, tree, road, sky, building, water, fence, wall, sand, rock"
)


def score(segmenter: Segmenter, root: Path, every: int) -> dict[str, Any]:
    words = Vocabulary.parse(WORDS)
    whole = open_dataset(f"folder:{root}")
    clips = tuple(replace(c, frames=c.frames[::every], labels=c.labels[::every]) for c in whole.clips)
    protocol = find_protocol("plain", words)
    task = Task(replace(whole, clips=clips), words, protocol)  # type: ignore[type-var]
    predictions = ModelPredictions(segmenter, protocol, {})
    found = Evaluation(task)
    for number in range(len(clips)):
        found.add(score_video(task, predictions, number))
    return metrics(task, {}, found)


def step_ms(segmenter: Segmenter, rounds: int = 20) -> float:
    frame = np.random.default_rng(0).integers(0, 256, (480, 854, 3), np.uint8)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        segmenter.step(frame)
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--davis", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="take every so many frames")
    arguments = parser.parse_args()
    segmenter = load("tiny", WORDS, device="cpu")
    print(describe(), "\n\n| upsampling | object IoU | boundary F | ms per 854x480 frame, 20 words |")
    print("| --- | ---: | ---: | ---: |")
    for title, edge_aware in (("bilinear", False), ("along edges", True)):
        segmenter.model.edge_aware = edge_aware
        found = score(segmenter, arguments.davis, arguments.every)
        segmenter.reset()
        cost = step_ms(segmenter)
        iou, boundary = 100 * found["object_iou"], 100 * found["boundary_f"]
        print(f"| {title} | {iou:.1f} | {boundary:.1f} | {cost:.0f} |", flush=True)


if __name__ == "__main__":
    main()
