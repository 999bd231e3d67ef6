"""A CLIP text tower as a `TextEncoder`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.encoders.clip_tokens import Tokens

if TYPE_CHECKING:
    from transformers import CLIPTextModel

_BATCH = 256


class ClipText:
    """Unit vectors of phrases.

    Not a module itself: the tower and the projection are parts of the image-text pair, whose weights they
    are saved with, moved with and loaded with.
    """

    def __init__(self, tower: CLIPTextModel, projection: nn.Linear, tokens: Tokens) -> None:
        self.tower = tower
        self.projection = projection
        self.tokens = tokens
        self._known: tuple[tuple[tuple[int, int], ...], str] = ((), "")

    @property
    def dim(self) -> int:
        return self.projection.out_features

    @property
    def fingerprint(self) -> str:
        """Covers weights and tokens; the weights are read again only after they have been changed."""
        weights = [*self.tower.parameters(), *self.projection.parameters()]
        stamp = tuple((w.data_ptr(), w._version) for w in weights)
        if self._known[0] != stamp:
            digest = hashlib.sha256(self.tokens.fingerprint.encode())
            for w in weights:
                digest.update(w.detach().float().cpu().contiguous().numpy().data)
            self._known = stamp, f"clip-text-1-{digest.hexdigest()}"
        return self._known[1]

    @torch.no_grad()
    def encode(self, phrases: Sequence[str]) -> Tensor:
        """(len(phrases), dim) float32 unit vectors on the tower's device."""
        device = self.projection.weight.device
        batches = [phrases[i : i + _BATCH] for i in range(0, len(phrases), _BATCH)]
        with torch.autocast(device.type, enabled=False):  # a caller's half precision changes nothing here
            vectors = [self._encode_batch(self.tokens(batch).to(device)) for batch in batches]
        return torch.cat([torch.empty(0, self.dim, device=device), *vectors])

    def _encode_batch(self, ids: Tensor) -> Tensor:
        # No mask for the padding: attention looks back only, and the vector is read at the first end token.
        return F.normalize(self.projection(self.tower(input_ids=ids).pooler_output).float(), dim=-1)
