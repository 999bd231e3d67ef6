"""Eq. 1-4 against loops over positions, and the start that keeps CLIP's meaning."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.stseg.dea import DEA


def layer_norm(x: Tensor) -> Tensor:
    return (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + 1e-5)


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Row by row, one head."""
    d = queries.shape[1]
    rows = []
    for q in queries:
        scores = torch.tensor([float(q @ k) / math.sqrt(d) for k in keys])
        weights = scores.exp() / scores.exp().sum()
        rows.append(sum(w * v for w, v in zip(weights, values, strict=True)))
    return torch.stack([torch.as_tensor(row) for row in rows])


@pytest.mark.parametrize("keep_sam_grid", [False, True])
@torch.no_grad()
def test_equations(keep_sam_grid: bool) -> None:
    torch.manual_seed(0)
    dea = DEA(dim=6, sam_dim=4, heads=1, init="random", keep_sam_grid=keep_sam_grid).eval()
    clip, sam = torch.randn(1, 6, 2, 3), torch.randn(1, 4, 4, 6)
    f_c = clip[0].flatten(1).T
    cells = [F.conv2d(sam, dea.align.weight, dea.align.bias)[0, :, y, x] for y in range(4) for x in range(6)]
    grid = torch.stack([layer_norm(c) for c in cells]).view(4, 6, 6)
    if not keep_sam_grid:
        grid = torch.stack(
            [grid[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].mean((0, 1)) for y in (0, 1) for x in range(3)]
        )
    f_s = grid.reshape(-1, 6)
    q, k, v = (
        f @ w.weight.T for f, w in zip((f_c, f_s, f_s), (dea.cross.q, dea.cross.k, dea.cross.v), strict=True)
    )
    first = torch.stack([layer_norm(row) for row in q + attend(q, k, v)])
    q, k, v = (first @ w.weight.T for w in (dea.own.q, dea.own.k, dea.own.v))
    second = torch.stack([layer_norm(row) for row in first + attend(q, k, v)])
    third = second + torch.stack([dea.ffn[2](F.gelu(dea.ffn[0](row))) for row in second])
    f_cv = torch.stack([layer_norm(row) for row in third])
    torch.testing.assert_close(dea(clip, sam)[0].flatten(1).T, f_cv, atol=1e-5, rtol=1e-4)


def test_recommended_start_is_the_layer_norm_of_clip() -> None:
    torch.manual_seed(0)
    dea = DEA(dim=16, sam_dim=4, heads=4)
    clip = torch.randn(2, 16, 3, 3)
    expected = F.layer_norm(clip.permute(0, 2, 3, 1), (16,)).permute(0, 3, 1, 2)
    torch.testing.assert_close(dea(clip, torch.randn(2, 4, 8, 8)), expected, atol=1e-4, rtol=1e-4)


def test_heads_split_the_channels() -> None:
    torch.manual_seed(0)
    one, four = (DEA(dim=16, sam_dim=4, heads=h, init="random") for h in (1, 4))
    four.load_state_dict(one.state_dict())
    clip, sam = torch.randn(1, 16, 2, 2), torch.randn(1, 4, 4, 4)
    assert not torch.allclose(one(clip, sam), four(clip, sam), atol=1e-3)


def test_grids_need_not_divide() -> None:
    dea = DEA(dim=8, sam_dim=4, heads=2)
    assert dea(torch.randn(1, 8, 3, 5), torch.randn(1, 4, 8, 8)).shape == (1, 8, 3, 5)
