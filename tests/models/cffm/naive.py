"""One layer of CFFM written again with loops: every window, every query, every token by its coordinates."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.cffm.assemble import Pool
from openvss.models.cffm.geometry import Geometry
from openvss.models.cffm.mine import Mine, WindowAttention

Token = tuple[Tensor, bool, list[Tensor]]  # its features, whether it may be seen, its bias for each query


def attention_of(layer: Mine) -> WindowAttention:
    assert isinstance(layer.attention, WindowAttention)
    return layer.attention


def pooled(frame: Tensor, pool: Pool) -> Tensor:
    """(C, h, w) of whole windows -> (C, rows, columns): shrink, then sum p x p positions."""
    side = pool.side
    _, height, width = frame.shape
    size = [n // pool.window * pool.cells * side for n in (height, width)]
    small = F.interpolate(frame[None], size, mode="bilinear", align_corners=False)[0]
    grid = torch.zeros(frame.shape[0], size[0] // side, size[1] // side)
    for r in range(grid.shape[1]):
        for c in range(grid.shape[2]):
            cell = small[:, r * side : (r + 1) * side, c * side : (c + 1) * side]
            grid[:, r, c] = (cell * pool.weight).sum((1, 2)) + pool.bias
    return grid


def whole(frame: Tensor, window: int) -> Tensor:
    _, height, width = frame.shape
    return F.pad(frame, (0, -width % window, 0, -height % window))


def distance_bias(table: Tensor, window: int, kernel: int, i: int, j: int) -> list[Tensor]:
    """Biases (heads,) of the key at row i, column j of a region, for each query of the window."""
    side = window + kernel - 1
    return [
        table[:, (qi - i + kernel - 1) * side + qj - j + kernel - 1]
        for qi in range(window)
        for qj in range(window)
    ]


def near_tokens(layer: Mine, geometry: Geometry, target: Tensor, m: int, n: int) -> list[Token]:
    s, e = geometry.window, geometry.expand
    _, height, width = target.shape
    bias = attention_of(layer).bias
    tokens: list[Token] = []
    for i in range(s):
        for j in range(s):
            tokens.append((target[:, m * s + i, n * s + j], True, distance_bias(bias.tables[0], s, s, i, j)))
    place = 0
    for di, dj in ((e, e), (e, -e), (-e, e), (-e, -e)):
        for i in range(s):
            for j in range(s):
                if 0 <= i + di < s and 0 <= j + dj < s:
                    continue
                y, x = (m * s + i + di) % height, (n * s + j + dj) % width
                tokens.append((target[:, y, x], True, [bias.ring[:, q, place] for q in range(s * s)]))
                place += 1
    assert place == 132
    return tokens


def far_tokens(layer: Mine, geometry: Geometry, grids: list[Tensor], m: int, n: int) -> list[Token]:
    tokens: list[Token] = []
    for pooling, grid, table in zip(geometry.pooled, grids, attention_of(layer).bias.tables[1:], strict=True):
        k, cells = pooling.kernel, pooling.cells
        for i in range(k):
            for j in range(k):
                r, c = m * cells - k // 2 + i, n * cells - k // 2 + j
                seen = 0 <= r < grid.shape[1] and 0 <= c < grid.shape[2]
                feature = grid[:, r, c] if seen else torch.zeros_like(grid[:, 0, 0])
                tokens.append((feature, seen, distance_bias(table, geometry.window, k, i, j)))
    return tokens


def attend(layer: Mine, queries: Tensor, tokens: list[Token]) -> Tensor:
    """(s * s, C) positions of one window -> what they mine."""
    attention = attention_of(layer)
    dim, heads = queries.shape[1], attention.heads
    weight, bias = attention.qkv.weight.view(3, dim, dim), attention.qkv.bias.view(3, dim)
    features = torch.stack([feature for feature, _, _ in tokens])
    q = (queries @ weight[0].T + bias[0]).view(-1, heads, dim // heads)
    k, v = ((features @ weight[i].T + bias[i]).view(-1, heads, dim // heads) for i in (1, 2))
    out = torch.zeros_like(q)
    for p in range(len(queries)):
        for h in range(heads):
            scores = (k[:, h] @ q[p, h]) / (dim // heads) ** 0.5
            scores = scores + torch.stack([biases[p][h] for _, _, biases in tokens])
            scores = scores + torch.tensor([0.0 if seen else -100.0 for _, seen, _ in tokens])
            out[p, h] = scores.softmax(0) @ v[:, h]
    return attention.project(out.flatten(1))


def naive_layer(layer: Mine, geometry: Geometry, target: Tensor, references: list[Tensor]) -> Tensor:
    """(h, w, C) maps of one clip -> the target's next map."""
    s = geometry.window
    height, width, _ = target.shape
    normal = [whole(layer.norm1(frame).permute(2, 0, 1), s) for frame in (target, *references)]
    grids = [pooled(frame, pool) for frame, pool in zip(normal, layer.assemble.pools, strict=True)]  # type: ignore[arg-type]
    mined = torch.zeros_like(normal[0])
    for m in range(mined.shape[1] // s):
        for n in range(mined.shape[2] // s):
            window = normal[0][:, m * s : (m + 1) * s, n * s : (n + 1) * s]
            tokens = near_tokens(layer, geometry, normal[0], m, n) + far_tokens(layer, geometry, grids, m, n)
            out = attend(layer, window.flatten(1).T, tokens)
            mined[:, m * s : (m + 1) * s, n * s : (n + 1) * s] = out.T.view(-1, s, s)
    x = target + mined[:, :height, :width].permute(1, 2, 0)
    return x + layer.mlp(layer.norm2(x))
