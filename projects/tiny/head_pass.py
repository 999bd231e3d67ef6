"""One pass of `tiny`'s head over features that were kept: what the training engine calls for each batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from openvss.models.encoders.tiny import resize
from openvss.models.tiny.model import Tiny
from openvss.training.data.sampler import SampleOrder
from projects.tiny.cache import Rows
from projects.tiny.data import IGNORE
from projects.tiny.loss import WordLoss, WordTable, name_loss

DROPOUT = 0.2
LOOKED_AT = 0.35  # share of the labelled positions that a step looks at
TEACHER_WEIGHT = 0.15
TEACHER_FLOOR = 0.15  # positions where the classifier is less certain than this teach nothing


@dataclass(frozen=True, eq=False)
class Features:
    """A batch of views as the backbone sees them: a `batches.Learnable`.

    Attributes:
        number: Of the batch.
        names: Of the views.
        maps: (B, C, h, w), finest first.
        ids: (B, h, w) at the finest stride.
        words: Not chosen by batch.
    """

    number: int
    names: tuple[str, ...]
    maps: tuple[Tensor, ...]
    ids: Tensor
    words: tuple[int, ...] = ()

    def to(self, device: torch.device) -> Features:
        """The same on a device."""
        return replace(self, maps=tuple(m.to(device) for m in self.maps), ids=self.ids.to(device))

    def tensors(self) -> dict[str, Tensor]:
        """Maps and ids."""
        return {"ids": self.ids, **{f"map{i}": m for i, m in enumerate(self.maps)}}


class FeatureBatches(Dataset[Features]):
    """All batches of a run: the same number gives the same batch."""

    def __init__(self, cache: Rows, size: int, seed: int) -> None:
        self._cache, self._size = cache, size
        self._order = SampleOrder([len(cache)], [1.0], seed, 1)

    def __getitem__(self, number: int) -> Features:
        rows = [self._order.at(number * self._size + place)[1] for place in range(self._size)]
        maps, ids = self._cache.rows(rows)
        return Features(number, tuple(f"view {row}" for row in rows), tuple(maps), ids)


class HeadPass(nn.Module):
    """From a batch of features to the terms of the loss."""

    def __init__(self, model: Tiny, table: WordTable, loss: WordLoss) -> None:
        super().__init__()
        self.model = model
        self._table, self._loss = table, loss

    def forward(self, batch: Features) -> dict[str, Tensor]:
        """The loss of the words and that of the classifier's names."""
        image = self.model.pair.image
        maps = list(batch.maps)
        with torch.no_grad(), torch.autocast(maps[0].device.type, enabled=False):
            logits = image.names.logits(maps[-1])
            posterior = logits.softmax(-1)
            names = image.names.named(posterior, logits)
        parts = image.parts(maps, names, DROPOUT)
        fine, coarse = ((x.shape[1], x.shape[2]) for x in (parts.fine, parts.name))
        looked_at = (batch.ids != IGNORE) & (torch.rand(batch.ids.shape) < LOOKED_AT).to(batch.ids.device)
        dense = image.vectors(
            parts.fine[looked_at], resize(parts.middle, fine)[looked_at], resize(parts.name, fine)[looked_at]
        )
        deep = image.vectors(resize(parts.fine, coarse), resize(parts.middle, coarse), parts.name)
        with torch.autocast(maps[0].device.type, enabled=False):
            words = self._loss(dense.float(), batch.ids[looked_at], self._table.draw())
            taught = name_loss(deep.float(), posterior, image.names.names, TEACHER_FLOOR)
        return {"words": words, "names": TEACHER_WEIGHT * taught}
