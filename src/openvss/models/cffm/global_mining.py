"""Global mining (Sec. 4.2): the target attends to prototypes of the whole video."""

from __future__ import annotations

from torch import Tensor, nn

from openvss.models.layers.attention import attend, perceptron


class MineGlobally(nn.Module):
    """One layer: attention to the prototypes (Eq. 7 and 8), and a two-layer perceptron.

    All windows of the target share the prototypes, so that windows make no difference and there are none.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(dim)  # of the target and of the prototypes
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.project = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = perceptron(dim)

    def forward(self, target: Tensor, prototypes: Tensor) -> Tensor:
        """(B, h, w, C) and (B, k, C) -> (B, h, w, C)."""
        query = self.query(self.norm1(target.flatten(1, 2)))
        key, value = self.key_value(self.norm1(prototypes)).chunk(2, dim=-1)
        target = target + self.project(attend(query, key, value, self.heads)).view_as(target)
        return target + self.mlp(self.norm2(target))
