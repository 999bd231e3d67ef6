"""A CLIP text tower as a `TextEncoder`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.encoders.clip_tokens import BytePairs, HashedWords, Tokens
from openvss.weights.public import public_file

if TYPE_CHECKING:
    from transformers import CLIPTextModel

_BATCH = 256


class ClipText:
    """Unit vectors of phrases.

    Not a module itself: the tower and the projection are parts of the image-text pair, whose weights they
    are saved with, moved with and loaded with.

    Args:
        tower: Phrases to states.
        projection: States to vectors.
        hub: Repository whose merges the published weights were trained with; None for test sizes.
    """

    def __init__(self, tower: CLIPTextModel, projection: nn.Linear, hub: str | None) -> None:
        self.tower = tower
        self.projection = projection
        self.hub = hub
        self._known: tuple[tuple[tuple[int, int], ...], str] = ((), "")

    @property
    def dim(self) -> int:
        return self.projection.out_features

    @property
    def tokens(self) -> Tokens:
        """Byte pairs, as published weights need. Words are hashed for untrained weights."""
        untrained = bool((self.tower.final_layer_norm.weight == 1).all())  # as it starts, and never ends
        if self.hub is None or untrained:
            return HashedWords(self.tower.config.vocab_size)
        return self._byte_pairs

    @cached_property
    def _byte_pairs(self) -> BytePairs:
        assert self.hub is not None
        return BytePairs(public_file(self.hub, "merges.txt"))

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
        device, tokens = self.projection.weight.device, self.tokens
        batches = [phrases[i : i + _BATCH] for i in range(0, len(phrases), _BATCH)]
        with torch.autocast(device.type, enabled=False):  # a caller's half precision changes nothing here
            vectors = [self._encode_batch(tokens(batch).to(device)) for batch in batches]
        return torch.cat([torch.empty(0, self.dim, device=device), *vectors])

    def _encode_batch(self, ids: Tensor) -> Tensor:
        # No mask for the padding: attention looks back only, and the vector is read at the first end token.
        return F.normalize(self.projection(self.tower(input_ids=ids).pooler_output).float(), dim=-1)
