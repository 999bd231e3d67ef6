"""Video Text Encoding: words attend to the frame before they are compared with it (Eq. 11)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from openvss.models.layers.attention import attend, perceptron

ALPHA = 0.1  # where training starts: near the words as the text encoder gave them


class QuickGELU(nn.Module):
    """CLIP's activation."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class VTE(nn.Module):
    """Refined text = F^T + alpha (attention of F^T to F^V, then a feed-forward network), Eq. 11.

    Each word attends on its own: no word changes another.

    Args:
        dim: Length of the pair's vectors.
        heads: Of the attention.
        ffn: Whether a feed-forward network follows the attention.
    """

    def __init__(self, dim: int, heads: int = 8, ffn: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.norm_text, self.norm_image = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.query = nn.Linear(dim, dim, bias=False)
        self.key = nn.Linear(dim, dim, bias=False)
        self.value = nn.Linear(dim, dim, bias=False)
        self.project = nn.Linear(dim, dim)
        self.ffn = nn.Sequential(nn.LayerNorm(dim), *perceptron(dim, QuickGELU)) if ffn else None
        self.alpha = nn.Parameter(torch.full((dim,), ALPHA))

    def look(self, dense: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of dense features (B, T, D, h, w), independent of words: (B, T, h w, D) each."""
        tokens = self.norm_image(dense.flatten(3).transpose(2, 3))
        return self.key(tokens), self.value(tokens)

    def forward(self, text: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(N, P, D) words and what `look` gave -> (B, N, P, D): the mean of what each frame says."""
        batch, frames = key.shape[:2]
        query = self.query(self.norm_text(text.flatten(0, 1)))[None].expand(batch * frames, -1, -1)
        seen = attend(query, key.flatten(0, 1), value.flatten(0, 1), self.heads)
        news = self.project(seen)  # (B T, N P, D)
        if self.ffn is not None:
            news = news + self.ffn(text.flatten(0, 1) + news)
        news = news.unflatten(0, (batch, frames)).mean(dim=1).unflatten(1, text.shape[:2])
        return text + self.alpha * news
