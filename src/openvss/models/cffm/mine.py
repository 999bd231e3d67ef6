"""Cross-frame feature mining (CFM): windows of the target attend to the tokens of all frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.cffm.assemble import Assemble
from openvss.models.cffm.geometry import Geometry
from openvss.models.cffm.tables import Tables, tables

HIDDEN = -100.0  # added to the score of a token that a window must not see, as the authors do


class PositionBias(nn.Module):
    """B of Eq. 5: a bias for each head, query position and token; the same for all windows.

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


class WindowAttention(nn.Module):
    """Every window of the target attends to its own tokens of all frames (Eq. 4 and 5, several heads)."""

    def __init__(self, geometry: Geometry, dim: int, heads: int) -> None:
        super().__init__()
        self.geometry, self.heads = geometry, heads
        self.bias = PositionBias(geometry, heads)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.project = nn.Linear(dim, dim)

    def forward(self, target: Tensor, pooled: Tensor) -> Tensor:
        """(B, h, w, C) and the pooled tokens (B, n, C) -> (B, h, w, C)."""
        batch, height, width, dim = target.shape
        places = tables(self.geometry, height, width, target.device)
        q, k, v = self._tokens(target.flatten(1, 2), pooled, places)
        windows = len(places.queries)

        def per_window(x: Tensor, index: Tensor) -> Tensor:  # (B, N, heads, d) -> (B * windows, heads, n, d)
            found = x.index_select(1, index.flatten())
            return found.view(batch * windows, -1, *x.shape[2:]).transpose(1, 2)

        mined = F.scaled_dot_product_attention(
            per_window(q, places.queries),
            per_window(k, places.keys),
            per_window(v, places.keys),
            attn_mask=self.bias()[None],
            scale=1.0,
        )
        mined = mined[..., : dim // self.heads].transpose(1, 2).reshape(batch, -1, dim)
        return self.project(mined.index_select(1, places.back)).view_as(target)

    def _tokens(self, positions: Tensor, pooled: Tensor, places: Tables) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of the list of tokens that the tables index: (B, N, heads, d + 8) each.

        The features of padding are zeros. One channel more than the features need makes the scores of the
        token of nothing `HIDDEN`, so that no mask is needed; eight are added, which processors like better.
        """
        batch, _, dim = positions.shape
        q, kv = self.qkv(positions).split([dim, 2 * dim], dim=-1)
        weight, bias = self.qkv.weight, self.qkv.bias
        padding = bias.expand(batch, 1, -1)
        q = torch.cat([q, padding[..., :dim]], dim=1) * (dim // self.heads) ** -0.5
        nothing = torch.zeros_like(padding[..., dim:])
        kv = torch.cat([kv, padding[..., dim:], nothing, F.linear(pooled, weight[dim:], bias[dim:])], dim=1)
        q = F.pad(q.unflatten(-1, (self.heads, -1)), (0, 8))
        k, v = (F.pad(x.unflatten(-1, (self.heads, -1)), (0, 8)) for x in kv.split(dim, dim=-1))
        q[..., -8] = 1
        k[:, places.nothing, :, -8] = HIDDEN
        return q, k, v


class Mine(nn.Module):
    """One layer: assemble, attend, and a two-layer perceptron; the references stay as they are."""

    def __init__(self, geometry: Geometry, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.assemble = Assemble(geometry)
        self.attention = WindowAttention(geometry, dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, target: Tensor, references: list[Tensor]) -> Tensor:
        """Maps (B, h, w, C) -> the target's next map."""
        normal = self.norm1(target)
        pooled = self.assemble(normal, [self.norm1(reference) for reference in references])
        target = target + self.attention(normal, pooled)
        return target + self.mlp(self.norm2(target))


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
