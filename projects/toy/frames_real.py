"""Do other frames help on real video? OV2VSS on the pair of `tiny`, with and without its video part.

    python -m projects.toy.frames_real --voc VOC --coco COCO --nyuv2 NYU --corridor DHCN --clips FOLDER
                                       --camvid CAMVID --davis DAVIS --out DIR [--seeds 1 2 3] [--workers 2]

Trains `recipes/ov2vss/lite0.yaml` for each seed, as it is and without STCF and RFE, and tests on the sequence
of CamVid that has every frame and on DAVIS, of which nothing is trained on: streaming and, of the full model,
with copies of the target in the place of all other frames. Beside them stands `tiny`, with its memory and
without. The videos in FOLDER get labels from `tiny`. Each finished cell is a JSON file; run the command again
and it goes on. Frozen, with its recipe, before any two rows were compared.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.machine import describe
from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.trained import load_model
from openvss.segmenting.loading import load
from openvss.segmenting.segmenter import Segmenter
from openvss.segmenting.state import slot_of
from openvss.training.recipe.reader import read_stages
from openvss.training.run import RunOptions, train
from openvss.training.runs.log import Watcher
from openvss.video.frame import Frame
from openvss.video.labelmap import LabelMap
from openvss.video.picture import Picture
from openvss.video.sources import open_source
from openvss.words.vocabulary import Vocabulary
from projects.tiny.benchmarks.score import DAVIS_WORDS, objects, steadiness
from projects.tiny.data import read_classes
from projects.toy.report import spread
from projects.toy.table import in_processes

RECIPE = Path("recipes/ov2vss/lite0.yaml")
SETS = ("voc", "coco", "nyuv2", "corridor", "unlabelled")
ROWS = {"full": (), "no-fusion": ("model.options.stcf=false", "model.options.rfe=false")}
UNLABELLED_WORDS = (
    "dog, person, grass, tree, sky, road, pavement, floor, wall, door, window, building, ball, chair"
)
SIZE, SURE = 320, 0.5
FIRST = 40  # frames of each sequence of DAVIS that are scored
COLUMNS = ("mVC8", "mVC16", "mIoU", "pixel accuracy", "DAVIS, object IoU")


class Alone(Segmenter):
    """Every frame as the first of its video: its references, distant frame and memory are itself."""

    def step(self, frame: Frame | Picture) -> LabelMap:
        self.reset()
        return super().step(frame)


def label_videos(folder: Path, out: Path) -> None:
    """A `folder:` set of unlabelled videos at 15 frames a second, with what `tiny` is sure of."""
    if (out / "complete").exists():
        return
    segmenter = load("tiny", UNLABELLED_WORDS, size=SIZE, unlabelled_below=SURE)
    for file in sorted(folder.glob("*.mp4")):
        last = -1
        for sub in ("origin", "mask"):
            (out / "data" / file.stem / sub).mkdir(parents=True, exist_ok=True)
        segmenter.reset()
        for frame in open_source(str(file)):
            if slot_of(frame.time) == last:
                continue
            last = slot_of(frame.time)
            image = Image.fromarray(frame.pixels)
            image.thumbnail((2 * SIZE, SIZE))
            small = Frame(frame.index, frame.time, np.asarray(image))
            image.save(out / "data" / file.stem / "origin" / f"{last:05}.jpg", quality=92)
            Image.fromarray(segmenter.step(small).labels).save(
                out / "data" / file.stem / "mask" / f"{last:05}.png"
            )
    names = Vocabulary.parse(UNLABELLED_WORDS).names
    (out / "classes.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(names)))
    (out / "complete").touch()


def score(segmenter: type[Segmenter], model: VideoModel, camvid: Path, davis: Path) -> list[float]:
    """The columns of the table."""
    names = Vocabulary.parse(", ".join(name for _, name in sorted(read_classes(camvid).items())))
    steady = steadiness(segmenter(model, names, size=SIZE, device="cpu"), camvid)
    found = objects(segmenter(model, DAVIS_WORDS, size=SIZE, device="cpu"), davis, FIRST)
    return [*map(float, steady.split(" | ")), float(np.mean(list(found.values())))]


def run_cell(row: str, seed: int, sets: dict[str, Path], camvid: Path, davis: Path, out: Path) -> None:
    """Train and test one row with one seed; the rows of `tiny` are only tested."""
    torch.set_num_threads(1)
    if row in ROWS:
        roots = [f"data.train.{i}.set=folder:{sets[name]}" for i, name in enumerate(SETS)]
        stages = read_stages(RECIPE, [*ROWS[row], *roots, f"seed={seed}"])
        run = train(stages, out / "runs" / f"{row}-{seed}", RunOptions(resume=True, cpu=True), Watcher())
        model = load_model(str(run))
    else:
        model = load_model("tiny", options={"smoothing": 0} if row.endswith("alone") else {})
    found = score(Segmenter, model, camvid, davis)
    result: dict[str, Any] = {
        "row": row,
        "seed": seed,
        "frozen": frozen(),
        "metrics": found,
        "machine": describe(),
    }
    if row == "full":
        result["copies"] = score(Alone, model, camvid, davis)
    file = out / "cells" / f"{row}-{seed}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.with_suffix(".tmp").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    file.with_suffix(".tmp").replace(file)


def frozen() -> str:
    """Changes with the recipe and with this file: results of different ones do not mix."""
    return hashlib.sha256(RECIPE.read_bytes() + Path(__file__).read_bytes()).hexdigest()


def report(out: Path) -> str:
    """A Markdown table of what is finished."""
    cells: dict[str, list[dict[str, Any]]] = {}
    for file in sorted((out / "cells").glob("*.json")):
        cell = json.loads(file.read_text(encoding="utf-8"))
        if cell["frozen"] != frozen():
            raise InputError(f"{file} belongs to another recipe: choose another --out.")
        cells.setdefault(cell["row"], []).append(cell)
    lines = [f"| labels | {' | '.join(COLUMNS)} |", "| --- " + "| ---: " * len(COLUMNS) + "|"]
    for row, found in cells.items():
        for title, key in ((row, "metrics"), (f"{row}, copies of the target", "copies")):
            if key in found[0]:
                table = [[value / 100 for value in cell[key]] for cell in found]
                lines.append(f"| {title} | {' | '.join(_column(table, i) for i in range(len(COLUMNS)))} |")
    return "\n".join(lines)


def _column(table: Sequence[Sequence[float]], i: int) -> str:
    return spread([row[i] for row in table])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("voc", "coco", "nyuv2", "corridor", "clips", "camvid", "davis", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    a = parser.parse_args()
    sets = {name: getattr(a, name) for name in SETS[:-1]} | {"unlabelled": a.out / "unlabelled"}
    label_videos(a.clips, sets["unlabelled"])
    wanted = [(row, seed) for seed in a.seeds for row in ROWS]
    wanted += [("tiny, with its memory", 0), ("tiny, each frame alone", 0)]
    pending = [cell for cell in wanted if not (a.out / "cells" / f"{cell[0]}-{cell[1]}.json").exists()]
    in_processes(a.workers, run_cell, [(*cell, sets, a.camvid, a.davis, a.out) for cell in pending])
    print(describe())
    print(report(a.out))


if __name__ == "__main__":
    main()
