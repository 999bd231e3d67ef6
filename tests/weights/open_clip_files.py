"""open_clip's checkpoints, made up: names and shapes by rule, and what the networks compute from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]
State = dict[str, Tensor]
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073], dtype=torch.float64).view(3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711], dtype=torch.float64).view(3, 1, 1)


@dataclass(frozen=True)
class TextSize:
    words: int = 258
    width: int = 32
    hidden: int = 64
    layers: int = 2
    heads: int = 2
    dim: int = 24
    length: int = 77


def random_state(shapes: Shapes, seed: int = 0) -> State:
    """Every tensor clearly away from its start value, so that none can hide."""
    generator = torch.Generator().manual_seed(seed)
    draw = {n: torch.randn(s, generator=generator, dtype=torch.float64) * 0.3 for n, s in shapes.items()}
    return {n: v + 1 if n.endswith(("ln_1.weight", "norm.weight", "gamma")) else v for n, v in draw.items()}


def block_shapes(prefix: str, width: int, hidden: int) -> Shapes:
    return {
        f"{prefix}ln_1.weight": (width,),
        f"{prefix}ln_1.bias": (width,),
        f"{prefix}attn.in_proj_weight": (3 * width, width),
        f"{prefix}attn.in_proj_bias": (3 * width,),
        f"{prefix}attn.out_proj.weight": (width, width),
        f"{prefix}attn.out_proj.bias": (width,),
        f"{prefix}ln_2.weight": (width,),
        f"{prefix}ln_2.bias": (width,),
        f"{prefix}mlp.c_fc.weight": (hidden, width),
        f"{prefix}mlp.c_fc.bias": (hidden,),
        f"{prefix}mlp.c_proj.weight": (width, hidden),
        f"{prefix}mlp.c_proj.bias": (width,),
    }


def text_shapes(size: TextSize) -> Shapes:
    shapes: Shapes = {
        "token_embedding.weight": (size.words, size.width),
        "positional_embedding": (size.length, size.width),
        "ln_final.weight": (size.width,),
        "ln_final.bias": (size.width,),
        "text_projection": (size.width, size.dim),
        "logit_scale": (),
    }
    for i in range(size.layers):
        shapes |= block_shapes(f"transformer.resblocks.{i}.", size.width, size.hidden)
    return shapes


def convnext_shapes(widths: Sequence[int], depths: Sequence[int], dim: int) -> Shapes:
    trunk = "visual.trunk."
    shapes: Shapes = {
        f"{trunk}stem.0.weight": (widths[0], 3, 4, 4),
        f"{trunk}stem.0.bias": (widths[0],),
        f"{trunk}stem.1.weight": (widths[0],),
        f"{trunk}stem.1.bias": (widths[0],),
        f"{trunk}head.norm.weight": (widths[-1],),
        f"{trunk}head.norm.bias": (widths[-1],),
        "visual.head.proj.weight": (dim, widths[-1]),
    }
    for s, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        stage = f"{trunk}stages.{s}."
        if s > 0:
            before = widths[s - 1]
            shapes |= {f"{stage}downsample.0.weight": (before,), f"{stage}downsample.0.bias": (before,)}
            shapes |= {
                f"{stage}downsample.1.weight": (width, before, 2, 2),
                f"{stage}downsample.1.bias": (width,),
            }
        for b in range(depth):
            block = f"{stage}blocks.{b}."
            shapes |= {
                f"{block}conv_dw.weight": (width, 1, 7, 7),
                f"{block}conv_dw.bias": (width,),
                f"{block}norm.weight": (width,),
                f"{block}norm.bias": (width,),
                f"{block}mlp.fc1.weight": (4 * width, width),
                f"{block}mlp.fc1.bias": (4 * width,),
                f"{block}mlp.fc2.weight": (width, 4 * width),
                f"{block}mlp.fc2.bias": (width,),
                f"{block}gamma": (width,),
            }
    return shapes


def vit_shapes(width: int, hidden: int, layers: int, patch: int, grid: int, dim: int) -> Shapes:
    shapes: Shapes = {
        "visual.conv1.weight": (width, 3, patch, patch),
        "visual.class_embedding": (width,),
        "visual.positional_embedding": (1 + grid * grid, width),
        "visual.ln_pre.weight": (width,),
        "visual.ln_pre.bias": (width,),
        "visual.ln_post.weight": (width,),
        "visual.ln_post.bias": (width,),
        "visual.proj": (width, dim),
    }
    for i in range(layers):
        shapes |= block_shapes(f"visual.transformer.resblocks.{i}.", width, hidden)
    return shapes


def norm(x: Tensor, state: State, name: str, eps: float = 1e-5) -> Tensor:
    """Layer normalisation over the last axis."""
    centred = x - x.mean(-1, keepdim=True)
    spread = (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    return centred / spread * state[f"{name}.weight"] + state[f"{name}.bias"]


def linear(x: Tensor, state: State, name: str) -> Tensor:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def gelu(x: Tensor) -> Tensor:
    return x * 0.5 * (1 + torch.erf(x / 2**0.5))


def quick_gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)


def attend(x: Tensor, state: State, block: str, heads: int, causal: bool) -> Tensor:
    """Self-attention of one sequence (L, D), head by head."""
    q, k, v = (x @ state[f"{block}attn.in_proj_weight"].T + state[f"{block}attn.in_proj_bias"]).chunk(
        3, dim=1
    )
    size = x.shape[1] // heads
    found = []
    for h in range(heads):
        part = slice(h * size, (h + 1) * size)
        scores = q[:, part] @ k[:, part].T / size**0.5
        if causal:
            scores = scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -torch.inf)
        found.append(scores.softmax(1) @ v[:, part])
    return linear(torch.cat(found, dim=1), state, f"{block}attn.out_proj")


def mlp(x: Tensor, state: State, block: str, act: Callable[[Tensor], Tensor]) -> Tensor:
    y = norm(x, state, f"{block}ln_2")
    return x + linear(act(linear(y, state, f"{block}mlp.c_fc")), state, f"{block}mlp.c_proj")


def text_vector(state: State, ids: Sequence[int], size: TextSize, act: Callable[[Tensor], Tensor]) -> Tensor:
    """Unit vector of one phrase; `ids` end with the end token."""
    x = state["token_embedding.weight"][list(ids)] + state["positional_embedding"][: len(ids)]
    for i in range(size.layers):
        block = f"transformer.resblocks.{i}."
        x = x + attend(norm(x, state, f"{block}ln_1"), state, block, size.heads, causal=True)
        x = mlp(x, state, block, act)
    vector = norm(x, state, "ln_final")[-1] @ state["text_projection"]
    return vector / vector.square().sum().sqrt()


def convnext_top(state: State, frame: Tensor) -> list[Tensor]:
    """(3, H, W) RGB in 0..1 -> the four maps (C, h, w)."""
    trunk = "visual.trunk."

    def norm_map(x: Tensor, name: str) -> Tensor:
        return norm(x.permute(1, 2, 0), state, name, 1e-6).permute(2, 0, 1)

    def conv(x: Tensor, name: str, stride: int = 1, padding: int = 0, groups: int = 1) -> Tensor:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return F.conv2d(x[None], weight, bias, stride, padding, groups=groups)[0]

    x = norm_map(conv((frame - MEAN) / STD, f"{trunk}stem.0", stride=4), f"{trunk}stem.1")
    maps = []
    for s in range(4):
        stage = f"{trunk}stages.{s}."
        if s > 0:
            x = conv(norm_map(x, f"{stage}downsample.0"), f"{stage}downsample.1", stride=2)
        b = 0
        while f"{stage}blocks.{b}.gamma" in state:
            block = f"{stage}blocks.{b}."
            y = norm_map(conv(x, f"{block}conv_dw", padding=3, groups=len(x)), f"{block}norm")
            y = gelu(linear(y.permute(1, 2, 0), state, f"{block}mlp.fc1"))
            y = linear(y, state, f"{block}mlp.fc2") * state[f"{block}gamma"]
            x = x + y.permute(2, 0, 1)
            b += 1
        maps.append(x)
    return maps


def convnext_head(state: State, vector: Tensor) -> Tensor:
    return norm(vector, state, "visual.trunk.head.norm", 1e-6) @ state["visual.head.proj.weight"].T


def vit_tokens(state: State, frame: Tensor, heads: int, layers: int) -> Tensor:
    """(3, H, W) -> tokens before the last block, (1 + h w, D), with positions resized bicubically."""
    weight = state["visual.conv1.weight"]
    patches = F.conv2d(((frame - MEAN) / STD)[None], weight, stride=weight.shape[-1])[0]  # (D, h, w)
    positions = state["visual.positional_embedding"]
    grid = round((len(positions) - 1) ** 0.5)
    table = positions[1:].T.reshape(1, -1, grid, grid)
    table = F.interpolate(table, patches.shape[1:], mode="bicubic", align_corners=False)[0]
    x = torch.cat([(state["visual.class_embedding"] + positions[0])[None], (patches + table).flatten(1).T])
    x = norm(x, state, "visual.ln_pre")
    for i in range(layers - 1):
        x = vit_block(state, x, i, heads)
    return x


def vit_block(state: State, x: Tensor, i: int, heads: int) -> Tensor:
    block = f"visual.transformer.resblocks.{i}."
    x = x + attend(norm(x, state, f"{block}ln_1"), state, block, heads, causal=False)
    return mlp(x, state, block, quick_gelu)


def vit_head(state: State, x: Tensor) -> Tensor:
    return norm(x, state, "visual.ln_post") @ state["visual.proj"]
