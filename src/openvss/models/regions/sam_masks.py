"""Regions from SAM: prompt it with a grid of points, keep the masks it is sure of, stack them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.encoders.sam import CHUNK, Sam, mean_colour, padded
from openvss.models.regions.boxes import boxes_of, keep_best
from openvss.models.regions.nearest import fill_nearest
from openvss.models.regions.presets import SamClipOptions

OFFSET = 1.0  # in logits, by which the cuts of `stability` are above and below the threshold


class SamMasks(nn.Module):
    """`Regions` of SAM's automatic masks.

    A mask that lies on another, as a wheel on a car, takes its pixels: the smallest comes last. Pixels
    without any mask join the nearest region. Masks are judged at SAM's own resolution, a quarter of its
    input.
    """

    def __init__(self, sam: Sam, options: SamClipOptions) -> None:
        super().__init__()
        self.sam = sam
        self.options = options

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        return torch.stack([self._cut(frame) for frame in frames])

    def _cut(self, frame: Tensor) -> Tensor:
        """(3, H, W) -> (H, W)."""
        height, width = frame.shape[-2:]
        side = max(height, width)
        image = self.sam(padded(frame[None], mean_colour(frame)))
        shares = height / side, width / side  # of the square that the frame takes
        rows, columns = (math.ceil(share * self.sam.mask_side) for share in shares)
        logits, quality = self._masks(image, _grid(self.options.points, shares), (rows, columns))
        boxes = boxes_of(logits[:, :rows, :columns] > 0)
        return fill_nearest(_lay(logits[keep_best(boxes, quality, self.options.overlap)], (height, width)))

    def _masks(self, image: Tensor, points: Tensor, there: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Logits (n, side, side) and quality of the masks that pass; `there` of the square is the frame."""
        kept = [(image.new_empty(0, self.sam.mask_side, self.sam.mask_side), image.new_empty(0))]
        for some in points.to(image).split(CHUNK):  # three masks per prompt: most are dropped before the next
            drawn, scores = self.sam.draw(image, points=some[:, None], several=True)
            logits, quality = drawn.flatten(0, 1), scores.flatten()
            steady = stability(logits[:, : there[0], : there[1]], OFFSET)
            good = (quality > self.options.quality) & (steady >= self.options.stability)
            kept.append((logits[good], quality[good]))
        return torch.cat([logits for logits, _ in kept]), torch.cat([quality for _, quality in kept])


def stability(logits: Tensor, offset: float) -> Tensor:
    """(n, h, w) -> (n,): IoU of the mask cut high and cut low; 0 if it is empty."""
    high, low = (logits > offset).sum((1, 2)), (logits > -offset).sum((1, 2))
    return high / low.clamp(min=1)


def _grid(side: int, shares: tuple[float, float]) -> Tensor:
    """(side^2, 2) x and y, evenly over the part of the unit square that the frame takes."""
    steps = (torch.arange(side) + 0.5) / side
    y, x = torch.meshgrid(steps * shares[0], steps * shares[1], indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)


def _lay(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Masks of the square (n, side, side) -> ids (H, W), -1 where there is none; the smallest lie on top."""
    ids = torch.full(size, -1, device=logits.device)
    areas = (logits > 0).sum((1, 2))
    square = (max(size), max(size))
    for i, mask in enumerate(logits[areas.argsort(descending=True, stable=True)]):
        whole = F.interpolate(mask[None, None], square, mode="bilinear", align_corners=False)[0, 0]
        ids[whole[: size[0], : size[1]] > 0] = i
    return ids
