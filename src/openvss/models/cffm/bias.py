"""B of Eq. 5: what the place of a token, seen from a query, adds to their score."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from openvss.models.cffm.geometry import Geometry


class PositionBias(nn.Module):
    """A bias for each head, query position and token; the same for all windows.

    The ring has a free table. The others have one by the distance of query and key, as if the cells of a
    pooled frame lay as densely as positions.
    """

    index: Tensor
    once: Tensor
    twice: Tensor

    def __init__(self, geometry: Geometry, heads: int) -> None:
        super().__init__()
        s = geometry.window
        sides = [s, *(p.kernel for p in geometry.pooled)]
        self.tables = nn.ParameterList(nn.Parameter(torch.zeros(heads, (s + k - 1) ** 2)) for k in sides)
        for table in self.tables[1:]:
            nn.init.trunc_normal_(table, std=0.02)
        self.ring = nn.Parameter(torch.zeros(heads, s * s, len(geometry.ring)))
        nn.init.trunc_normal_(self.ring, std=0.02)
        for i, k in enumerate(sides):
            self.register_buffer(f"index{i}", _distances(s, k), persistent=False)
        once, twice = _occurrences(geometry)
        self.register_buffer("once", once, persistent=False)
        self.register_buffer("twice", twice, persistent=False)

    def forward(self) -> Tensor:
        """(heads, s * s, n_keys)."""
        own, *pooled = [table[:, self.get_buffer(f"index{i}")] for i, table in enumerate(self.tables)]
        near = torch.cat([own, self.ring], dim=2)
        # in a softmax a token with biases b and c, named twice, is one token with log(exp(b) + exp(c))
        never = torch.full_like(near[..., :1], -torch.inf)
        near = torch.logaddexp(near[..., self.once], torch.cat([near, never], dim=2)[..., self.twice])
        return torch.cat([near, *pooled], dim=2)


def _distances(queries: int, keys: int) -> Tensor:
    """Index into a table of (queries + keys - 1)**2 distances: (queries**2, keys**2)."""
    q, k = torch.arange(queries), torch.arange(keys)
    off = q[:, None] - k[None] + keys - 1  # (queries, keys)
    side = queries + keys - 1
    return (off[:, None, :, None] * side + off[None, :, None, :]).flatten(0, 1).flatten(1)


def _occurrences(geometry: Geometry) -> tuple[Tensor, Tensor]:
    """Of each of `geometry.near` the first and second place in window and ring, or one past the end."""
    places = [*geometry.own, *geometry.ring]
    found = [[i for i, cell in enumerate(places) if cell == wanted] for wanted in geometry.near]
    once = [where[0] for where in found]
    twice = [where[1] if len(where) > 1 else len(places) for where in found]
    return torch.tensor(once), torch.tensor(twice)
