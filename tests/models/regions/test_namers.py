"""Namers: against what the definition says, pixel by pixel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.encoders.clip import ClipViT
from openvss.models.encoders.pairs import pair
from openvss.models.encoders.pixels import CLIP_MEAN
from openvss.models.regions.namers import Crops, Pooled


def frames_and_ids(height: int = 50, width: int = 70) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    frames = torch.rand(2, 3, height, width, generator=generator)
    blocks = torch.randint(0, 7, (2, 5, 7), generator=generator)
    ids = blocks.repeat_interleave(10, 1).repeat_interleave(10, 2)
    ids[ids == 3] = 4  # an id that no pixel has
    return frames, ids


def test_pooled_equals_the_mean_over_pixels() -> None:
    torch.manual_seed(0)
    namer = Pooled(pair("clip-nano"))
    frames, ids = frames_and_ids()
    vectors = namer(frames, ids)
    dense = F.normalize(namer.pair.dense(frames), dim=1)
    wide = F.interpolate(dense, ids.shape[1:], mode="bilinear", align_corners=False)
    for b in range(2):
        for region in range(7):
            inside = ids[b] == region
            expected = torch.zeros(24) if region == 3 else F.normalize(wide[b][:, inside].mean(1), dim=0)
            torch.testing.assert_close(vectors[b, region], expected, atol=1e-5, rtol=0)


def test_crops_look_at_each_region_by_itself() -> None:
    torch.manual_seed(0)
    clip = ClipViT("nano")
    namer = Crops(clip, size=32, chunk=2)
    frames, ids = frames_and_ids()
    vectors = namer(frames, ids)
    for b in range(2):
        for region in range(7):
            if region == 3:
                assert not vectors[b, region].any()
                continue
            alone = clip.pooled(namer.picture(frames[b], ids[b] == region)[None])[0]
            torch.testing.assert_close(vectors[b, region], F.normalize(alone, dim=0), atol=1e-5, rtol=0)


def test_the_picture_of_a_region() -> None:
    """Its box in the middle of a square, nothing but the mean colour around it."""
    namer = Crops(ClipViT("nano"), size=8)
    frame = torch.rand(3, 20, 30)
    mask = torch.zeros(20, 30, dtype=torch.bool)
    mask[4:8, 10:18] = True
    mask[5, 12] = False
    picture = namer.picture(frame, mask)
    mean = torch.tensor(CLIP_MEAN)
    expected = mean.view(3, 1, 1).repeat(1, 8, 8)
    expected[:, 2:6] = frame[:, 4:8, 10:18]
    expected[:, 3, 2] = mean
    torch.testing.assert_close(picture, expected, atol=1e-5, rtol=0)


def test_what_is_outside_a_region_does_not_matter_to_its_picture() -> None:
    torch.manual_seed(0)
    namer = Crops(ClipViT("nano"), size=32)
    frames, ids = frames_and_ids()
    other = torch.where(ids[:, None] == 2, frames, torch.rand(2, 3, 50, 70))
    torch.testing.assert_close(namer(frames, ids)[:, 2], namer(other, ids)[:, 2], atol=1e-6, rtol=0)
