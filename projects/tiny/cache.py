"""Views as the frozen backbone sees them, kept on disk: the head then trains without images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from openvss.models.encoders.lite0 import Lite0
from openvss.training.runs.log import Watcher
from projects.tiny.data import Floats, Ids
from projects.tiny.views import Views

BATCH = 8
STRIDE = Lite0.strides[0]
DONE = "done"


class Drawn(Protocol):
    """What draws views by their numbers."""

    size: int

    def draw(self, number: int) -> tuple[Floats, Ids]:
        """RGB in 0..1 (size, size, 3) and ids (size, size)."""


class Rows(Protocol):
    """Kept views."""

    def __len__(self) -> int: ...

    def rows(self, wanted: Sequence[int]) -> tuple[list[Tensor], Tensor]:
        """Maps (n, C, h, w), finest first, and ids (n, h, w)."""


class Cache:
    """Features in half precision and ids at stride 8, one row a view; half a megabyte for two views."""

    def __init__(self, features: Path, ids: Path | None = None) -> None:
        self.maps = [np.load(features / f"map{i}.npy", mmap_mode="r") for i in range(len(Lite0.channels))]
        self.ids: Ids = np.load((ids or features) / "ids.npy", mmap_mode="r")

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, wanted: Sequence[int]) -> tuple[list[Tensor], Tensor]:
        """Maps (n, C, h, w), finest first, and ids (n, h, w)."""
        maps = [torch.from_numpy(np.stack([m[i] for i in wanted])).float() for m in self.maps]
        ids = np.stack([self.ids[i] for i in wanted]).astype(np.int64)
        return [m.contiguous(memory_format=torch.channels_last) for m in maps], torch.from_numpy(ids)


class Shelf:
    """Several caches, one after the other."""

    def __init__(self, *caches: Cache) -> None:
        self._rows = [(cache, row) for cache in caches for row in range(len(cache))]

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, wanted: Sequence[int]) -> tuple[list[Tensor], Tensor]:
        """As a cache has them."""
        found = [cache.rows([row]) for cache, row in (self._rows[i] for i in wanted)]
        maps = [torch.cat(level) for level in zip(*(maps for maps, _ in found), strict=True)]
        return [m.contiguous(memory_format=torch.channels_last) for m in maps], torch.cat(
            [i for _, i in found]
        )


def fill(folder: Path, views: Drawn, backbone: Lite0, count: int, watcher: Watcher) -> Cache:
    """Keep what the backbone makes of the first `count` views, and their ids, unless that is done."""
    if not (folder / DONE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fill(folder, views, backbone, count, watcher)
        (folder / DONE).touch()
    return Cache(folder)


def relabel(folder: Path, features: Path, views: Views, watcher: Watcher) -> Cache:
    """The same features with the ids of other views that differ in nothing but their backgrounds."""
    ids = np.load(features / "ids.npy")
    if not (folder / DONE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(len(ids)):
            ids[i] = at_stride(views.draw(i)[1])
            watcher.frame("labels of views", i + 1, len(ids))
        np.save(folder / "ids.npy", ids)
        (folder / DONE).touch()
    return Cache(features, folder)


def _fill(folder: Path, views: Drawn, backbone: Lite0, count: int, watcher: Watcher) -> None:
    sides = [-(-views.size // stride) for stride in Lite0.strides]
    shapes = [(count, c, s, s) for c, s in zip(Lite0.channels, sides, strict=True)]
    maps = [
        np.lib.format.open_memmap(folder / f"map{i}.npy", "w+", np.float16, shape)
        for i, shape in enumerate(shapes)
    ]
    ids = np.lib.format.open_memmap(folder / "ids.npy", "w+", np.uint8, (count, sides[0], sides[0]))
    for first in range(0, count, BATCH):
        drawn = [views.draw(i) for i in range(first, min(first + BATCH, count))]
        images = torch.from_numpy(np.stack([pixels for pixels, _ in drawn])).permute(0, 3, 1, 2)
        with torch.inference_mode():
            seen = backbone(images)  # channels last in memory as they come from numpy
        rows = slice(first, first + len(drawn))
        for kept, new in zip(maps, seen, strict=True):
            kept[rows] = new.half().numpy()
        ids[rows] = np.stack([at_stride(labels) for _, labels in drawn])
        watcher.frame("views", first + len(drawn), count)


def at_stride(ids: Ids) -> Ids:
    """The ids in the middle of the cells of the finest map."""
    return ids[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
