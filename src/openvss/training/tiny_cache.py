"""Views as the frozen backbone sees them, kept on disk: the head then trains without images."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from openvss.models.encoders.lite0 import Lite0
from openvss.training.tiny_views import Views

BATCH = 8
STRIDE = Lite0.strides[0]


class Cache:
    """Features in half precision and ids at stride 8, one row a view; half a megabyte for two views."""

    def __init__(self, folder: Path) -> None:
        self.maps = [np.load(folder / f"map{i}.npy", mmap_mode="r") for i in range(len(Lite0.channels))]
        self.ids: npt.NDArray[np.uint8] = np.load(folder / "ids.npy", mmap_mode="r")

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, wanted: Sequence[int]) -> tuple[list[Tensor], Tensor]:
        """Maps (n, C, h, w), finest first, and ids (n, h, w)."""
        maps = [torch.from_numpy(np.stack([m[i] for i in wanted])).float() for m in self.maps]
        ids = np.stack([self.ids[i] for i in wanted]).astype(np.int64)
        return [m.contiguous(memory_format=torch.channels_last) for m in maps], torch.from_numpy(ids)


def fill(folder: Path, views: Views, backbone: Lite0, count: int, seed: int) -> Cache:
    """Draw `count` views and keep what the backbone makes of them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    sides = [-(-views.size // stride) for stride in Lite0.strides]
    shapes = [(count, c, s, s) for c, s in zip(Lite0.channels, sides, strict=True)]
    maps = [
        np.lib.format.open_memmap(folder / f"map{i}.npy", "w+", np.float16, shape)
        for i, shape in enumerate(shapes)
    ]
    ids = np.lib.format.open_memmap(folder / "ids.npy", "w+", np.uint8, (count, sides[0], sides[0]))
    for first in range(0, count, BATCH):
        drawn = [views.draw(rng) for _ in range(min(BATCH, count - first))]
        images = torch.from_numpy(np.stack([pixels for pixels, _ in drawn])).permute(0, 3, 1, 2)
        with torch.inference_mode():
            seen = backbone(images)  # channels last in memory as they come from numpy
        rows = slice(first, first + len(drawn))
        for kept, new in zip(maps, seen, strict=True):
            kept[rows] = new.half().numpy()
        ids[rows] = np.stack([labels for _, labels in drawn])[:, STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
        if first % 400 == 0:
            print(f"view {first} of {count}", flush=True)
    return Cache(folder)
