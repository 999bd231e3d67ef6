"""What regions show, in the space of words: from dense features, or from pictures of the regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.encoders.clip import ClipViT
from openvss.models.encoders.convnext_clip import ConvNextClip
from openvss.models.encoders.pixels import CLIP_MEAN, per_channel
from openvss.models.layers.constants import built_once
from openvss.models.words import TextEncoder

if TYPE_CHECKING:
    from openvss.models.encoders.pairs import Pair


class Namer(Protocol):
    """An `nn.Module` that turns each region into a vector of the space of words."""

    @property
    def text(self) -> TextEncoder:
        """Turns phrases into vectors of the same space."""
        ...

    def __call__(self, frames: Tensor, ids: Tensor) -> Tensor:
        """(B, 3, H, W) and (B, H, W) -> (B, R, D) of unit length, R more than any id; zero if unused."""
        ...


class Pooled(nn.Module):
    """`Namer`: the mean direction of a pair's dense features, read bilinearly at every pixel of the region.

    One pass of the image encoder, however many regions there are.
    """

    def __init__(self, pair: Pair) -> None:
        super().__init__()
        self.pair = pair

    @property
    def text(self) -> TextEncoder:
        return self.pair.text

    def forward(self, frames: Tensor, ids: Tensor) -> Tensor:
        dense = F.normalize(self.pair.dense(frames), dim=1)  # (B, D, h, w)
        share = torch.stack(
            [_shares(one, (dense.shape[2], dense.shape[3]), int(ids.max()) + 1) for one in ids]
        )
        # Dividing by the number of pixels would only change the length.
        return F.normalize(torch.einsum("brc,bdc->brd", share, dense.flatten(2)), dim=2)


def _shares(ids: Tensor, cells: tuple[int, int], regions: int) -> Tensor:
    """(H, W) -> (R, cells): how much each cell counts in all pixels of a region, read bilinearly."""
    rows, columns = _read(ids.shape[0], cells[0], ids.device), _read(ids.shape[1], cells[1], ids.device)
    total = torch.zeros(regions * cells[0] * cells[1], device=ids.device)
    for row, by_row in rows:
        for column, by_column in columns:
            place = (ids * cells[0] + row[:, None]) * cells[1] + column
            total.index_add_(0, place.flatten(), (by_row[:, None] * by_column).flatten())
    return total.view(regions, cells[0] * cells[1])


@built_once(8)
def _read(pixels: int, cells: int, device: torch.device) -> list[tuple[Tensor, Tensor]]:
    """For each pixel along one axis the two cells that it is read from, and their weights."""
    place = ((torch.arange(pixels, device=device) + 0.5) * (cells / pixels) - 0.5).clamp(0, cells - 1)
    first = place.floor().long()
    return [(first, 1 - (place - first)), ((first + 1).clamp(max=cells - 1), place - first)]


class Crops(nn.Module):
    """`Namer`: CLIP looks at each region by itself, as at an image.

    The region is cut out by its box and laid on CLIP's mean colour, a square as large as the longer side.

    Args:
        pair: CLIP with an embedding of whole images.
        size: Side of the pictures of regions.
        chunk: Regions looked at at once.
    """

    def __init__(self, pair: ClipViT | ConvNextClip, size: int = 224, chunk: int = 32) -> None:
        super().__init__()
        self.pair = pair
        self.size = size
        self.chunk = chunk

    @property
    def text(self) -> TextEncoder:
        return self.pair.text

    def forward(self, frames: Tensor, ids: Tensor) -> Tensor:
        regions = int(ids.max()) + 1
        return torch.stack([self._one(f, i, regions) for f, i in zip(frames, ids, strict=True)])

    def _one(self, frame: Tensor, ids: Tensor, regions: int) -> Tensor:
        """(3, H, W) and (H, W) -> (R, D)."""
        used = ids.unique()
        seen = []
        for some in used.split(self.chunk):
            pictures = torch.stack([self.picture(frame, ids == region) for region in some])
            seen.append(F.normalize(self.pair.pooled(pictures), dim=1))
        vectors = torch.cat(seen)
        return vectors.new_zeros(regions, vectors.shape[1]).index_copy(0, used, vectors)

    def picture(self, frame: Tensor, mask: Tensor) -> Tensor:
        """(3, H, W) and the (H, W) mask of a region -> (3, size, size)."""
        y, x = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
        box = slice(int(y[0]), int(y[-1]) + 1), slice(int(x[0]), int(x[-1]) + 1)
        nothing = per_channel(CLIP_MEAN, frame.dtype, frame.device)
        cut = torch.where(mask[box], frame[:, *box] - nothing, 0.0)  # 0 is the mean colour for now
        height, width = cut.shape[1:]
        left, top = (max(height - width, 0) // 2, max(width - height, 0) // 2)
        side = max(height, width)
        square = F.pad(cut, (left, side - width - left, top, side - height - top))
        size = (self.size, self.size)
        return F.interpolate(square[None], size, mode="bilinear", antialias=True)[0] + nothing
