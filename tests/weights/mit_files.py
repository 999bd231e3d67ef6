"""MiT as mmsegmentation names it: names and shapes from its description, and a forward pass written out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.weights.open_clip_files import Shapes, State

KERNELS, STRIDES, REDUCTIONS = (7, 3, 3, 3), (4, 2, 2, 2), (8, 4, 2, 1)


def mit_shapes(depths: tuple[int, ...], channels: tuple[int, ...]) -> Shapes:
    shapes: Shapes = {}

    def affine(name: str, *weight: int) -> None:
        shapes[f"{name}.weight"] = weight
        shapes[f"{name}.bias"] = weight[:1]

    for i, (depth, c) in enumerate(zip(depths, channels, strict=True)):
        n, before = i + 1, (3, *channels)[i]
        affine(f"patch_embed{n}.proj", c, before, KERNELS[i], KERNELS[i])
        affine(f"patch_embed{n}.norm", c)
        for j in range(depth):
            block = f"block{n}.{j}"
            affine(f"{block}.norm1", c)
            affine(f"{block}.attn.q", c, c)
            affine(f"{block}.attn.kv", 2 * c, c)
            affine(f"{block}.attn.proj", c, c)
            if REDUCTIONS[i] > 1:
                affine(f"{block}.attn.sr", c, c, REDUCTIONS[i], REDUCTIONS[i])
                affine(f"{block}.attn.norm", c)
            affine(f"{block}.norm2", c)
            affine(f"{block}.mlp.fc1", 4 * c, c)
            affine(f"{block}.mlp.dwconv.dwconv", 4 * c, 1, 3, 3)
            affine(f"{block}.mlp.fc2", c, 4 * c)
        affine(f"norm{n}", c)
    return shapes


def mit_maps(state: State, depths: tuple[int, ...], heads: tuple[int, ...], x: Tensor) -> list[Tensor]:
    """The four maps of one normalised image (3, H, W); tokens are rows, heads a loop."""
    maps = []
    for i, depth in enumerate(depths):
        n = i + 1
        weight, bias = state[f"patch_embed{n}.proj.weight"], state[f"patch_embed{n}.proj.bias"]
        x = F.conv2d(x[None], weight, bias, STRIDES[i], KERNELS[i] // 2)[0]
        h, w = x.shape[-2:]
        tokens = _norm(state, f"patch_embed{n}.norm", x.flatten(1).T, 1e-5)
        for j in range(depth):
            block = f"block{n}.{j}"
            seen = _norm(state, f"{block}.norm1", tokens, 1e-6)
            tokens = tokens + _attention(state, f"{block}.attn", seen, (h, w), heads[i], REDUCTIONS[i])
            tokens = tokens + _mlp(
                state, f"{block}.mlp", _norm(state, f"{block}.norm2", tokens, 1e-6), (h, w)
            )
        x = _norm(state, f"norm{n}", tokens, 1e-6).T.reshape(-1, h, w)
        maps.append(x)
    return maps


def _norm(state: State, name: str, x: Tensor, eps: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scale = (centred.square().mean(-1, keepdim=True) + eps).rsqrt()
    return centred * scale * state[f"{name}.weight"] + state[f"{name}.bias"]


def _linear(state: State, name: str, x: Tensor) -> Tensor:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def _attention(
    state: State, name: str, x: Tensor, size: tuple[int, int], heads: int, reduction: int
) -> Tensor:
    q, reduced = _linear(state, f"{name}.q", x), x
    if reduction > 1:
        grid = x.T.reshape(1, -1, *size)
        small = F.conv2d(grid, state[f"{name}.sr.weight"], state[f"{name}.sr.bias"], reduction)[0]
        reduced = _norm(state, f"{name}.norm", small.flatten(1).T, 1e-5)
    k, v = _linear(state, f"{name}.kv", reduced).chunk(2, dim=-1)
    width = x.shape[-1] // heads
    out = []
    for i in range(heads):
        part = slice(i * width, (i + 1) * width)
        weights = (q[:, part] @ k[:, part].T / width**0.5).softmax(-1)
        out.append(weights @ v[:, part])
    return _linear(state, f"{name}.proj", torch.cat(out, dim=-1))


def _mlp(state: State, name: str, x: Tensor, size: tuple[int, int]) -> Tensor:
    hidden = _linear(state, f"{name}.fc1", x)
    grid, conv = hidden.T.reshape(1, -1, *size), f"{name}.dwconv.dwconv"
    mixed = F.conv2d(grid, state[f"{conv}.weight"], state[f"{conv}.bias"], padding=1, groups=hidden.shape[-1])
    return _linear(state, f"{name}.fc2", F.gelu(mixed[0].flatten(1).T))
