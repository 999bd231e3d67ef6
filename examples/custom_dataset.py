"""Run it with `python examples/custom_dataset.py FOLDER`: a data set of your own, written and scored.

FOLDER becomes a `folder:` data set with one video of four frames, a red ball that rolls over grass:

    classes.txt                        data/ball/origin/0.png ...        data/ball/mask/0.png ...
    `id name`, one class a line        RGB frames                        ids of classes, 255 does not count

`openvss evaluate` then scores `tiny` on it; docs/evaluate.md has the other layouts. For training, a recipe
names the same set: `train: [{set: "folder:FOLDER"}]`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

CLASSES = ("grass", "ball", "sky")
COLOURS = np.array([(60, 140, 50), (200, 30, 30), (120, 180, 240)], np.uint8)
HEIGHT, WIDTH, FRAMES = 96, 128, 4


def labels(t: int) -> npt.NDArray[np.uint8]:
    """The class of every pixel of frame `t`; the top row does not count."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ids = np.where(y < HEIGHT // 3, CLASSES.index("sky"), CLASSES.index("grass"))
    ids[(y - 60) ** 2 + (x - 30 - 15 * t) ** 2 < 20**2] = CLASSES.index("ball")
    ids[0] = 255
    return ids.astype(np.uint8)


def write(root: Path) -> None:
    """Frames and masks of the same names."""
    video = root / "data" / "ball"
    for part in ("origin", "mask"):
        (video / part).mkdir(parents=True, exist_ok=True)
    (root / "classes.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(CLASSES)))
    for t in range(FRAMES):
        ids = labels(t)
        Image.fromarray(COLOURS[np.minimum(ids, 2)]).save(video / "origin" / f"{t}.png")
        Image.fromarray(ids).save(video / "mask" / f"{t}.png")


def main() -> None:
    """Write the set, score `tiny` on it, and print how well it found each class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    folder = parser.parse_args().folder
    write(folder / "set")
    command = ["evaluate", "--data", f"folder:{folder / 'set'}", "--model", "tiny", "--size", str(HEIGHT)]
    out = folder / "report"
    subprocess.run([sys.executable, "-m", "openvss", *command, "--out", out, "--overwrite"], check=True)
    for row in json.loads((out / "metrics.json").read_text())["per_class"]:
        print(f"{row['name']:5} IoU {row['iou']:.2f} on {row['pixels']} pixels")


if __name__ == "__main__":
    main()
