"""The paper's equations once more, one number at a time: no vectorised trick, no reordering."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import ceil, exp, floor, sqrt

import torch
from torch import Tensor, nn

Grid = tuple[int, int]


def fc(layer: nn.Module, x: Tensor) -> Tensor:
    """A fully connected layer (or a 1x1 convolution) on one vector."""
    weight = layer.get_parameter("weight").flatten(1)
    out = torch.stack([(row * x).sum() for row in weight])
    return out if layer.bias is None else out + layer.get_parameter("bias")


def layer_norm(norm: nn.Module, x: Tensor) -> Tensor:
    """Of one vector."""
    scaled = (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt()
    return scaled * norm.get_parameter("weight") + norm.get_parameter("bias")


def group_norm(norm: nn.GroupNorm, x: Tensor) -> Tensor:
    """Of one map (C, h, w)."""
    out = torch.empty_like(x)
    for group in torch.arange(len(x)).chunk(norm.num_groups):
        part = x[group]
        out[group] = (part - part.mean()) / (part.var(correction=0) + 1e-5).sqrt()
    return out * norm.weight[:, None, None] + norm.bias[:, None, None]


def conv(weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    """(C_in, h, w) -> (C_out, h, w), borders of zeros."""
    c_out, _, k, _ = weight.shape
    _, h, w = x.shape
    out = torch.zeros(c_out, h, w)
    for i, j, a, b in product(range(h), range(w), range(k), range(k)):
        y, z = i + a - k // 2, j + b - k // 2
        if 0 <= y < h and 0 <= z < w:
            out[:, i, j] += weight[:, :, a, b] @ x[:, y, z]
    return out if bias is None else out + bias[:, None, None]


def conv_of(layer: nn.Module, x: Tensor) -> Tensor:
    return conv(layer.get_parameter("weight"), None if layer.bias is None else layer.get_parameter("bias"), x)


def pool(u: Tensor, grids: Sequence[Grid]) -> list[Tensor]:
    """(C, h, w) -> averages of overlapping cells."""
    _, h, w = u.shape
    out = []
    for rows, columns in grids:
        cells = torch.zeros(len(u), rows, columns)
        for i, j in product(range(rows), range(columns)):
            part = u[
                :,
                floor(i * h / rows) : ceil((i + 1) * h / rows),
                floor(j * w / columns) : ceil((j + 1) * w / columns),
            ]
            cells[:, i, j] = part.mean((1, 2))
        out.append(cells)
    return out


def p2t(module: nn.Module, pooled: Sequence[Tensor]) -> Tensor:
    """Eq. 2: (S, C)."""
    tokens = []
    for x, layer in zip(pooled, module.get_submodule("convs").children(), strict=True):
        weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
        refined = x.clone()
        for c in range(len(x)):
            refined[c] += conv(weight[c : c + 1], bias[c : c + 1], x[c : c + 1])[0]
        tokens += [refined[:, i, j] for i, j in product(range(x.shape[1]), range(x.shape[2]))]
    return torch.stack([layer_norm(module.get_submodule("norm"), token) for token in tokens])


def standardise(vectors: Sequence[Tensor]) -> list[Tensor]:
    """Each number of some vectors minus its mean over them, over its deviation."""
    table = torch.stack(list(vectors))
    out = torch.empty_like(table)
    for c in range(table.shape[1]):
        mean = sum(float(x) for x in table[:, c]) / len(table)
        variance = sum((float(x) - mean) ** 2 for x in table[:, c]) / len(table)
        out[:, c] = (table[:, c] - mean) / sqrt(variance + 1e-8)
    return list(out)


def standardise_maps(maps: Sequence[Tensor]) -> list[Tensor]:
    """The same over all positions of several maps (C, h, w)."""
    flat = torch.stack(standardise([x for one in maps for x in positions(one)])).T
    parts = flat.split([x.shape[1] * x.shape[2] for x in maps], dim=1)
    return [part.unflatten(1, x.shape[1:]) for part, x in zip(parts, maps, strict=True)]


def softmax(values: Sequence[Tensor]) -> list[Tensor]:
    top = max(float(v) for v in values)
    powers = [exp(float(v) - top) for v in values]
    return [torch.tensor(p / sum(powers)) for p in powers]


def affinity(query: nn.Module, u: Tensor, key: Tensor) -> Tensor:
    """A of Eq. 4 as printed: (h w, S)."""
    _, h, w = u.shape
    rows = []
    for i, j in product(range(h), range(w)):
        q = fc(query, u[:, i, j])
        rows.append(torch.stack([(q * k).sum() for k in key]))
    return torch.stack(rows)


def carried(a: Tensor, value: Tensor, size: Grid, soft: bool) -> Tensor:
    """N of Eq. 4 as printed, a map (C, h, w); `soft` attends as transformers do instead."""
    n = []
    for row in a:
        weights = softmax(list(row / sqrt(value.shape[1]))) if soft else list(row)
        n.append(torch.stack([w * v for w, v in zip(weights, value, strict=True)]).sum(0))
    return torch.stack(n).T.unflatten(1, size)


def upsample_corners(x: Tensor, size: Grid) -> Tensor:
    """(C, h, w), bilinear, corners aligned."""
    _, h, w = x.shape
    out = torch.empty(len(x), *size)
    for i, j in product(range(size[0]), range(size[1])):
        y = i * (h - 1) / max(size[0] - 1, 1)
        z = j * (w - 1) / max(size[1] - 1, 1)
        out[:, i, j] = _between(x, y, z)
    return out


def upsample(x: Tensor, size: Grid) -> Tensor:
    """(C, h, w), bilinear, centres of pixels aligned."""
    _, h, w = x.shape
    out = torch.empty(len(x), *size)
    for i, j in product(range(size[0]), range(size[1])):
        y = max((i + 0.5) * h / size[0] - 0.5, 0)
        z = max((j + 0.5) * w / size[1] - 0.5, 0)
        out[:, i, j] = _between(x, y, z)
    return out


def _between(x: Tensor, y: float, z: float) -> Tensor:
    top, left = floor(y), floor(z)
    bottom, right = min(top + 1, x.shape[1] - 1), min(left + 1, x.shape[2] - 1)
    dy, dz = y - top, z - left
    above = (1 - dz) * x[:, top, left] + dz * x[:, top, right]
    below = (1 - dz) * x[:, bottom, left] + dz * x[:, bottom, right]
    return (1 - dy) * above + dy * below


def stages(sequence: nn.Module, x: Tensor) -> Tensor:
    """Convolution, norm, ReLU, as often as there are."""
    for layer in sequence.children():
        if isinstance(layer, nn.Conv2d):
            x = conv_of(layer, x)
        elif isinstance(layer, nn.GroupNorm):
            x = group_norm(layer, x).clamp(min=0)
    return x


def attention(
    query: Tensor,
    keys: Sequence[Tensor],
    values: Sequence[Tensor],
    heads: int,
) -> Tensor:
    """One query vector, several heads."""
    out = []
    for part in torch.arange(len(query)).chunk(heads):
        scores = [(query[part] * k[part]).sum() / sqrt(len(part)) for k in keys]
        weights = softmax(scores)
        out.append(torch.stack([w * v[part] for w, v in zip(weights, values, strict=True)]).sum(0))
    return torch.cat(out)


def positions(x: Tensor) -> list[Tensor]:
    """The vectors of a map (C, h, w), row by row."""
    return [x[:, i, j] for i, j in product(range(x.shape[1]), range(x.shape[2]))]


def over_positions(x: Tensor, f: Callable[[Tensor], Tensor]) -> Tensor:
    """A function of vectors at every position of a map."""
    return torch.stack([f(v) for v in positions(x)]).T.unflatten(1, x.shape[1:])
