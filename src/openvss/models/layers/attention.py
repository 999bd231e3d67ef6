"""Attention with several heads, and the perceptron that follows it in a transformer."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V, head by head: (B, n, C), (B, m, C) and (B, m, C) -> (B, n, C)."""

    def split(x: Tensor) -> Tensor:  # (B, heads, n, C / heads)
        return x.unflatten(-1, (heads, -1)).transpose(1, 2)

    seen = F.scaled_dot_product_attention(split(query), split(key), split(value))
    return seen.transpose(1, 2).flatten(2)


def perceptron(dim: int, activation: type[nn.Module] = nn.GELU) -> nn.Sequential:
    """Two layers, the inner one of four times the width."""
    return nn.Sequential(nn.Linear(dim, 4 * dim), activation(), nn.Linear(4 * dim, dim))
