"""Attention among the words at each position, linear in their number and summed up part by part."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.layers.attention import perceptron

EPSILON = 1e-6


@dataclass(frozen=True)
class Summary:
    """All that a word needs to know of the others. Summaries of parts of the words add up.

    Attributes:
        kv: Sum over words of feature(k) v^T, (positions, heads, d, d).
        k: Sum over words of feature(k), (positions, heads, d).
        words: How many words were summed up.
    """

    kv: Tensor
    k: Tensor
    words: int

    def __add__(self, other: Summary) -> Summary:
        return Summary(self.kv + other.kv, self.k + other.k, self.words + other.words)


class ClassAttention(nn.Module):
    """Linear attention over the words of one position, then an MLP; positions are apart.

    In training it works on a map of half the size, as SED does; the result is blown up and added.
    """

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = perceptron(width, nn.ReLU)

    def summary(self, x: Tensor) -> Summary:
        """What some of the words, (B, n, C, h, w), contribute to the attention of all."""
        tokens = self.norm1(self._tokens(x))
        k, v = _feature(self._split(self.k(tokens))), self._split(self.v(tokens))
        return Summary(torch.einsum("pnhd,pnhe->phde", k, v), k.sum(1), x.shape[1])

    def forward(self, x: Tensor, everything: Summary) -> Tensor:
        """Some of the words, (B, n, C, h, w), look at all of them."""
        tokens = self._tokens(x)
        q = _feature(self._split(self.q(self.norm1(tokens))))
        # The mean, not the sum, of the values: half precision would overflow with many words.
        mean = torch.einsum("pnhd,phde->pnhe", q, everything.kv / everything.words)
        weight = torch.einsum("pnhd,phd->pnh", q, everything.k) + EPSILON
        tokens = tokens + (mean * (everything.words / weight)[..., None]).flatten(2)
        tokens = tokens + self.mlp(self.norm2(tokens))
        return x + self._back(tokens, x)  # x itself counts twice, as in SED

    def _tokens(self, x: Tensor) -> Tensor:
        """(B, n, C, h, w) -> (B h' w', n, C)."""
        if self.training:
            x = F.avg_pool2d(x.flatten(0, 1), 2, ceil_mode=True).unflatten(0, x.shape[:2])
        return x.permute(0, 3, 4, 1, 2).flatten(0, 2)

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.heads, -1))

    def _back(self, tokens: Tensor, like: Tensor) -> Tensor:
        batch, n, _, h, w = like.shape
        size = (-(-h // 2), -(-w // 2)) if self.training else (h, w)
        maps = tokens.unflatten(0, (batch, *size)).permute(0, 3, 4, 1, 2)
        if not self.training:
            return maps
        wide = F.interpolate(maps.flatten(0, 1), (h, w), mode="bilinear", align_corners=True)
        return wide.unflatten(0, (batch, n))


def _feature(x: Tensor) -> Tensor:
    """Positive features whose products stand for the exponential of softmax attention."""
    return F.elu(x) + 1
