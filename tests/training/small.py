"""Small recipes and data for tests of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from openvss.data.make import make
from openvss.data.synthetic.job import RenderOptions
from tests.training.drive import PRESET


def toy_videos(root: Path, videos: int = 2, frames: int = 8) -> Path:
    make("folder", root, 0, RenderOptions(videos=videos, frames=frames, size=(48, 32)))
    return root


def toy_images(root: Path, images: int = 4) -> Path:
    make("folder-images", root, 0, RenderOptions(images=images, size=(48, 32)))
    return root


def recipe(root: Path, /, **changes: Any) -> dict[str, Any]:
    """A recipe that takes a second; changes replace whole sections."""
    return {
        "model": {"preset": PRESET},
        "data": {"train": [{"set": f"folder:{root}", "split": "train", "classes": "seen"}], "batch": 2},
        "clip": {"truncation": 0.3, "min_gap": 2},
        "view": {"crop": [32, 32], "base": [48, 32]},
        "optimiser": {"lr": 3e-3},
        "schedule": {"steps": 4},
        "saving": {"every": 2, "log_every": 1},
        **changes,
    }


def write(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path
