"""How alike images and words are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def cost_volume(dense: Tensor, text: Tensor) -> Tensor:
    """Cosines with every prompt: (B, D, h, w) and (B or 1, N, P, D) -> (B, N, P, h, w)."""
    return torch.einsum("bdhw,bnpd->bnphw", F.normalize(dense, dim=1), F.normalize(text, dim=-1))


def similarity(dense: Tensor, text: Tensor) -> Tensor:
    """Cosines with the mean of each word's prompts: (B, D, h, w) and (B or 1, N, P, D) -> (B, N, h, w)."""
    words = F.normalize(F.normalize(text, dim=-1).mean(dim=2), dim=-1)
    return torch.einsum("bdhw,bnd->bnhw", F.normalize(dense, dim=1), words)
