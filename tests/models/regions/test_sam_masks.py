"""Automatic masks: a stand-in draws known masks, so that what is kept and how it is laid is known."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from openvss.models.encoders.pixels import IMAGENET_MEAN
from openvss.models.encoders.sam import Sam
from openvss.models.regions.presets import SamClipOptions
from openvss.models.regions.sam_masks import SamMasks, stability


class Drawer(nn.Module):
    """Looks like `Sam`: whatever the prompt, the three masks of a table; it notes what it was asked."""

    mask_side = 32

    def __init__(self, masks: list[Tensor], quality: list[float]) -> None:
        super().__init__()
        self.masks, self.quality = masks, quality
        self.points: list[Tensor] = []
        self.seen: list[Tensor] = []

    def forward(self, frames: Tensor) -> Tensor:
        self.seen.append(frames)
        return frames.mean((2, 3), keepdim=True)

    def draw(self, image: Tensor, points: Tensor, several: bool) -> tuple[Tensor, Tensor]:
        assert several
        self.points.append(points)
        masks, quality = torch.stack(self.masks), torch.tensor(self.quality)
        return masks.expand(len(points), -1, -1, -1), quality.expand(len(points), -1)


def rectangle(top: int, bottom: int, left: int, right: int, height: float = 8.0) -> Tensor:
    mask = torch.full((32, 32), -height)
    mask[top:bottom, left:right] = height
    return mask


def cut(
    masks: list[Tensor], quality: list[float], height: int = 64, width: int = 64
) -> tuple[Tensor, Drawer]:
    drawer = Drawer(masks, quality)
    regions = SamMasks(drawer, SamClipOptions(points=4))  # type: ignore[arg-type]
    return regions(torch.rand(1, 3, height, width))[0], drawer


def test_small_masks_lie_on_large_ones_and_the_rest_joins_the_nearest() -> None:
    ids, _ = cut(
        [rectangle(8, 24, 8, 24), rectangle(12, 16, 12, 16), rectangle(0, 4, 28, 32)], [0.9, 0.95, 0.99]
    )
    large, small, corner = (int(ids[y, x]) for y, x in [(20, 20), (28, 28), (2, 60)])
    assert len({large, small, corner}) == 3
    assert ids.unique().numel() == 3  # sixteen prompts drew each of them; suppression left one
    assert int(ids[60, 10]) == large
    assert int(ids[10, 62]) == corner


def test_masks_that_are_poor_or_unsteady_are_left_out() -> None:
    faint = rectangle(0, 8, 0, 8, height=0.5)  # within the offset of its threshold
    ids, _ = cut([rectangle(8, 24, 8, 24), rectangle(0, 4, 28, 32), faint], [0.9, 0.8, 0.99])
    assert ids.unique().numel() == 1
    assert cut([faint, faint, faint], [0.9, 0.9, 0.9])[0].eq(0).all()  # no mask at all: one region


def test_frames_are_padded_to_a_square() -> None:
    """Prompts and masks are within the part of it that the frame takes."""
    ids, drawer = cut(
        [rectangle(0, 8, 0, 16), rectangle(0, 16, 20, 32), rectangle(20, 32, 0, 32)], [0.9] * 3, 32, 64
    )
    seen, points = drawer.seen[0], torch.cat(drawer.points)[:, 0]
    assert seen.shape == (1, 3, 64, 64)
    torch.testing.assert_close(seen[0, :, 32:], torch.tensor(IMAGENET_MEAN).view(3, 1, 1).expand(3, 32, 64))
    assert len(points) == 16
    assert points.max(0).values.tolist() == [0.875, 0.4375]
    assert ids.shape == (32, 64)
    assert ids.unique().numel() == 2  # the third is in the padding
    assert int(ids[5, 5]) == int(ids[31, 5]) != int(ids[5, 60])


def test_stability() -> None:
    logits = torch.tensor([[[2.0, 0.5, -0.5, -2.0]], [[-5.0, -5.0, -5.0, -5.0]]])
    torch.testing.assert_close(stability(logits, 1.0), torch.tensor([1 / 3, 0.0]))


def test_a_real_network_gives_regions() -> None:
    torch.manual_seed(0)
    regions = SamMasks(Sam("nano"), SamClipOptions(points=3, quality=-1.0, stability=0.0))
    frames = torch.rand(2, 3, 40, 60)
    ids = regions(frames)
    assert ids.shape == (2, 40, 60)
    assert ids.min() >= 0
    assert torch.equal(regions(frames[1:])[0], ids[1])
