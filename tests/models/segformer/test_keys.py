"""Checkpoints of mmsegmentation's SegFormer, by name and shape."""

from __future__ import annotations

import torch
from torch import Tensor

from openvss.models.registry import build_model
from openvss.models.segformer.keys import segformer
from tests.models.cffm.test_keys import NANO, OPTIONS, checkpoint


def test_the_fusing_layer_of_a_concatenation_coarsest_first() -> None:
    """Our sum over scales is their layer over all scales at once."""
    theirs = {name: value.float().abs() for name, value in checkpoint().items()}
    model = build_model("segformer-b0", OPTIONS).eval()
    model.load_state_dict(segformer(theirs), strict=True)
    maps = [torch.rand(1, c, 16 // 2**i, 16 // 2**i) for i, c in enumerate(NANO.channels)]

    def wide(i: int) -> Tensor:
        w, b = (theirs[f"decode_head.linear_c{i + 1}.proj.{end}"] for end in ("weight", "bias"))
        x = torch.einsum("bchw,dc->bdhw", maps[i], w) + b[:, None, None]
        return torch.nn.functional.interpolate(x, (16, 16), mode="bilinear")

    fused = torch.nn.functional.conv2d(
        torch.cat([wide(i) for i in (3, 2, 1, 0)], 1), theirs["decode_head.linear_fuse.conv.weight"]
    )
    norm = {
        end: theirs[f"decode_head.linear_fuse.bn.{end}"][:, None, None]
        for end in ("weight", "bias", "running_mean", "running_var")
    }
    scaled = (fused - norm["running_mean"]) / (norm["running_var"] + 1e-5).sqrt()
    with torch.no_grad():
        ours = model.head(maps)  # type: ignore[operator]
    torch.testing.assert_close(ours, (scaled * norm["weight"] + norm["bias"]).relu(), atol=1e-4, rtol=1e-4)
