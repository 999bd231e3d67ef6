"""Cross-frame feature mining (CFM): windows of the target attend to the tokens of all frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.cffm.assemble import Assemble
from openvss.models.cffm.bias import PositionBias
from openvss.models.cffm.geometry import Geometry
from openvss.models.cffm.tables import Tables, tables
from openvss.models.layers.attention import perceptron

AT_ONCE = 16  # windows whose tokens are gathered together, so that they stay in the cache
HIDDEN = -100.0  # added to the score of a token that a window must not see, as the authors do


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
        bias = self.bias()[None]
        at_once = AT_ONCE if target.device.type == "cpu" and not torch.is_grad_enabled() else len(places.keys)
        mined = [
            F.scaled_dot_product_attention(
                _per_window(q, queries),
                _per_window(k, keys),
                _per_window(v, keys),
                attn_mask=bias,
                scale=1.0,
            )
            .transpose(1, 2)[..., : dim // self.heads]
            .reshape(batch, -1, dim)
            for queries, keys in zip(places.queries.split(at_once), places.keys.split(at_once), strict=True)
        ]
        return self.project(torch.cat(mined, dim=1).index_select(1, places.back)).view_as(target)

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


def _per_window(x: Tensor, index: Tensor) -> Tensor:
    """Tokens (B, N, heads, d) at (windows, n) places -> (B * windows, heads, n, d)."""
    found = x.index_select(1, index.flatten())
    return found.view(x.shape[0] * len(index), -1, *x.shape[2:]).transpose(1, 2)


class WindowMean(nn.Module):
    """In the place of attention: all positions of a window get the mean of its tokens, through a perceptron.

    The paper's ablation of assembling alone; how its tokens were merged it does not say.
    """

    def __init__(self, geometry: Geometry, dim: int) -> None:
        super().__init__()
        self.geometry = geometry
        self.mlp = perceptron(dim)

    def forward(self, target: Tensor, pooled: Tensor) -> Tensor:
        """(B, h, w, C) and the pooled tokens (B, n, C) -> (B, h, w, C)."""
        batch, height, width, dim = target.shape
        places = tables(self.geometry, height, width, target.device)
        empty = target.new_zeros(batch, 2, dim)  # the tokens of padding and of nothing
        tokens = torch.cat([target.flatten(1, 2), empty, pooled], dim=1)
        windows, n_keys = places.keys.shape
        means = tokens.index_select(1, places.keys.flatten()).view(batch, windows, n_keys, dim).mean(2)
        spread = self.mlp(means).repeat_interleave(self.geometry.window**2, dim=1)
        return spread.index_select(1, places.back).view_as(target)


class Mine(nn.Module):
    """One layer: assemble, attend, and a two-layer perceptron; the references stay as they are."""

    def __init__(self, geometry: Geometry, dim: int, heads: int, attend: bool = True) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.assemble = Assemble(geometry)
        self.attention = WindowAttention(geometry, dim, heads) if attend else WindowMean(geometry, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = perceptron(dim)

    def forward(self, target: Tensor, references: list[Tensor]) -> Tensor:
        """Maps (B, h, w, C) -> the target's next map."""
        normal = self.norm1(target)
        pooled = self.assemble(normal, [self.norm1(reference) for reference in references])
        target = target + self.attention(normal, pooled)
        return target + self.mlp(self.norm2(target))
