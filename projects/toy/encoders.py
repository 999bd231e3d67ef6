"""The toy pair: image and text towers of some hundred thousand weights, for comparisons that fit two cores.

It stands where CLIP stands in the real systems: trained by contrast of pictures with their captions, frozen,
and not told where in a picture anything is. `python -m projects.toy.pair` trains it on rendered pictures.

    text    words of a phrase -> hashed embeddings -> one attention layer -> mean -> unit vector
    image   a pyramid of convolutions at strides 2 to 16, merged at stride 4 -> dense vectors
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DIM = 64
BUCKETS = 1024
MAX_WORDS = 32  # of a phrase; what is longer is cut


class Mix(nn.Module):
    """Residual block in the manner of ConvNeXt: depth-wise 7x7 for context, two 1x1 for channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.GroupNorm(1, width)
        self.up = nn.Conv2d(width, 2 * width, 1)
        self.down = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(F.gelu(self.up(self.norm(self.depthwise(x)))))


class ToyTower(nn.Module):
    """Phrases as bags of words -> unit vectors.

    Words are hashed into a table, so that every word has a vector, trained or not. Two words in one bucket
    mean the same; among the few dozen words of the rendered pictures that does not happen.
    """

    def __init__(self, dim: int = DIM) -> None:
        super().__init__()
        self.table = nn.Embedding(BUCKETS, dim)
        self.norm = nn.LayerNorm(dim)
        self.attend = nn.MultiheadAttention(dim, 4, batch_first=True)
        self.mix = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.project = nn.Linear(dim, dim)

    def forward(self, phrases: Sequence[str]) -> Tensor:
        """(len(phrases), dim); phrases of different lengths may be mixed."""
        bags = [_buckets(phrase) for phrase in phrases]
        longest, device = max(map(len, bags)), self.table.weight.device
        ids = torch.tensor([bag + [0] * (longest - len(bag)) for bag in bags], device=device)  # (n, L)
        lengths = torch.tensor([len(bag) for bag in bags], device=device)[:, None]
        empty = torch.arange(longest, device=device) >= lengths
        x = self.table(ids)
        y = self.norm(x)
        x = x + self.attend(y, y, y, key_padding_mask=empty, need_weights=False)[0]
        x = (x * ~empty[..., None]).sum(1) / lengths
        return F.normalize(self.project(x + self.mix(x)), dim=-1)


class ToyText:
    """The tower as a `TextEncoder`; not a module itself, since the pair holds and saves the tower."""

    def __init__(self, tower: ToyTower) -> None:
        self.tower = tower

    @property
    def dim(self) -> int:
        return self.tower.project.out_features

    @property
    def fingerprint(self) -> str:
        """Covers all weights."""
        digest = hashlib.sha256()
        for name, value in sorted(self.tower.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.float().cpu().contiguous().numpy().data)
        return f"toy-1-{digest.hexdigest()}"

    @torch.no_grad()
    def encode(self, phrases: Sequence[str]) -> Tensor:
        """(len(phrases), dim) float32 unit vectors; a phrase's neighbours have no influence on its vector."""
        device = self.tower.project.weight.device
        with torch.autocast(device.type, enabled=False):  # a caller's half precision changes nothing here
            vectors = [self.tower([phrase]) for phrase in phrases]
        return torch.cat([torch.empty(0, self.dim, device=device), *vectors])


class ToyBackbone(nn.Module):
    """A `Backbone` of plain convolutions for small frames: maps at strides 2, 4, 8 and 16."""

    channels = (16, 32, 48, 64)
    strides = (2, 4, 8, 16)

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *self.channels[:-1])
        self.down = nn.ModuleList(
            [nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in zip(inputs, self.channels, strict=True)]
        )
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(*(Mix(width) for _ in range(depth)))
                for width, depth in zip(self.channels, (1, 1, 2, 2), strict=True)
            ]
        )

    def forward(self, frames: Tensor) -> list[Tensor]:
        x = (frames - 0.5) / 0.25
        maps = []
        for down, blocks in zip(self.down, self.blocks, strict=True):
            x = blocks(down(x))
            maps.append(x)
        return maps


class ToyPair(nn.Module):
    """An `ImageText` pair, frozen."""

    def __init__(self, dim: int = DIM) -> None:
        super().__init__()
        self.dim = dim
        self.tower = ToyTower(dim)
        self.text = ToyText(self.tower)
        self.backbone = ToyBackbone()
        self.lateral = nn.ModuleList([nn.Conv2d(width, dim, 1) for width in ToyBackbone.channels[1:]])
        self.merge = Mix(dim)
        self.project = nn.Conv2d(dim, dim, 1)
        self.requires_grad_(False)

    def dense(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 -> (B, dim, ceil(H / 4), ceil(W / 4)), not normalised."""
        _, *maps = self.backbone(frames)
        x, *coarser = (lateral(m) for lateral, m in zip(self.lateral, maps, strict=True))
        for view in coarser:
            x = x + F.interpolate(view, x.shape[-2:], mode="bilinear", align_corners=False)
        return self.project(self.merge(x))


def _buckets(phrase: str) -> list[int]:
    words = phrase.lower().split()[:MAX_WORDS] or [""]
    return [zlib.crc32(word.encode()) % BUCKETS for word in words]
