"""Affinities of deep scales refine those of shallow ones (Eq. 5), as in MRCFA (Sun et al., 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.ov2vss.presets import Aggregation


class ConvPlan(NamedTuple):
    """(channels, kernel) of the convolutions of each stage, deepest scale first.

    Attributes:
        squeeze: What each scale's affinity passes on its own.
        mix: What the sum of two scales passes.
    """

    squeeze: tuple[tuple[tuple[int, int], ...], ...]
    mix: tuple[tuple[tuple[int, int], ...], ...]


PLANS: dict[Aggregation, ConvPlan] = {
    "b1": ConvPlan(
        squeeze=(((1, 3), (2, 3)), ((1, 3), (2, 3)), ((1, 5), (2, 3))),
        mix=(((2, 3), (2, 3)), ((2, 3), (1, 3))),
    ),
    "b2": ConvPlan(squeeze=(((1, 3),), ((1, 5),), ((1, 5),)), mix=(((1, 3),), ((1, 3),))),
}
SCALES = 3  # the paper's figure goes down to 1/8 of the frame: a fourth, finer affinity is not aggregated


class AffinityAggregation(nn.Module):
    """B of Eq. 5. Each token of the past has a map over the positions of the target; maps never mix.

    Every A passes a convolution of its own, which makes B of the deepest. From there down each B is upsampled
    and added to the next shallower A, and the sum passes another convolution. A norm over the map and a ReLU
    follow each convolution, so that B >= 0.
    """

    def __init__(self, plan: Aggregation = "b2", align_corners: bool = True) -> None:
        super().__init__()
        squeeze, mix = PLANS[plan]
        self.align_corners = align_corners
        self.squeeze = nn.ModuleList([_stage(1, convs) for convs in squeeze])
        self.mix = nn.ModuleList([_stage(squeeze[0][-1][0], convs) for convs in mix])

    def forward(self, affinities: Sequence[Tensor]) -> Tensor:
        """(B, S, h_l, w_l) of `SCALES` scales, deepest first -> (B, S, h, w) of the shallowest."""
        tokens = affinities[0].shape[1]
        b, *shallower = [
            _on_each(stage, a, tokens) for stage, a in zip(self.squeeze, affinities, strict=True)
        ]
        for stage, a in zip(self.mix, shallower, strict=True):
            up = F.interpolate(b, a.shape[-2:], mode="bilinear", align_corners=self.align_corners)
            b = _on_each(stage, up + a, tokens)
        return b


def _on_each(stage: nn.Module, x: Tensor, tokens: int) -> Tensor:
    """A stage on the channels of each token of (B, tokens x channels, h, w).

    Tokens are groups of channels, with the same weights for all: as a batch, maps of one channel are
    convolved ten times more slowly.
    """
    for layer in stage.children():
        if isinstance(layer, nn.Conv2d):
            weight, bias = layer.weight.repeat(tokens, 1, 1, 1), cast(Tensor, layer.bias).repeat(tokens)
            x = F.conv2d(x, weight, bias, padding=layer.padding, groups=tokens)
        elif isinstance(layer, nn.GroupNorm):
            weight, bias = layer.weight.repeat(tokens), layer.bias.repeat(tokens)
            # not F.group_norm, which refuses maps of one pixel
            x = F.relu(torch.group_norm(x, tokens, weight, bias, layer.eps))
    return x


def _stage(inputs: int, convs: Sequence[tuple[int, int]]) -> nn.Sequential:
    """Convolution and norm, as often as planned."""
    layers: list[nn.Module] = []
    for channels, kernel in convs:
        layers += [nn.Conv2d(inputs, channels, kernel, padding=kernel // 2), nn.GroupNorm(1, channels)]
        inputs = channels
    return nn.Sequential(*layers)
