"""The cost volume: how alike each position of the image and each prompt of each word are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def cost_volume(dense: Tensor, embeddings: Tensor) -> Tensor:
    """Eq. 5: cosine of F_cv (B, D, h, w) and E (N, P, D) -> (B, N, P, h, w), prompts kept apart."""
    return torch.einsum("bdhw,npd->bnphw", F.normalize(dense, dim=1), F.normalize(embeddings, dim=-1))
