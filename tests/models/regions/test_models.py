"""`sam-clip` and `regions-tiny` at test size keep the contract of models."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from openvss.models.base import VideoModel
from openvss.models.regions import model as regions_model
from openvss.models.regions.model import RegionsAndNames
from openvss.models.sam_clip import build_regions_tiny, build_sam_clip
from openvss.models.words import Words
from tests.models.suite import VideoModelSuite


def nano(namer: Literal["crops", "pooled"]) -> RegionsAndNames:
    """A random SAM is never sure; a mild temperature, since steps of hundreds magnify rounding."""
    sure = {"quality": -1.0, "stability": 0.0}
    return build_sam_clip("nano", "nano", namer, 3, **sure, templates="plain", temperature=0.1)


class TestSamClip(VideoModelSuite):
    def build(self) -> VideoModel:
        return nano("crops")


class TestSamClipPooled(VideoModelSuite):
    def build(self) -> VideoModel:
        return nano("pooled")


class TestRegionsTiny(VideoModelSuite):
    def build(self) -> VideoModel:
        return build_regions_tiny(count=40)


class Halves:
    def __call__(self, frames: Tensor) -> Tensor:
        ids = torch.zeros(len(frames), *frames.shape[2:], dtype=torch.long)
        ids[..., ids.shape[-1] // 2 :] = 1
        return ids


class Axes(nn.Module):
    """Region r points along axis r."""

    text = None

    def forward(self, frames: Tensor, ids: Tensor) -> Tensor:
        return torch.eye(4).expand(len(frames), -1, -1)


def test_a_region_takes_one_word() -> None:
    model = RegionsAndNames(Halves(), Axes(), ["{}"], 64, temperature=0.1)  # type: ignore[arg-type]
    words = Words(("a", "b", "c"), torch.eye(4)[[2, 1, 0]][:, None])
    logits = model.score(model.encode(torch.rand(1, 3, 40, 60)), words).logits
    assert logits.shape == (1, 3, 40, 60)
    assert torch.equal(logits[0].argmax(0), torch.tensor([2, 1]).repeat_interleave(30).expand(40, 60))
    assert logits.max() == pytest.approx(10)


def test_scores_of_many_words_stay_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the grid is coarser; each score is still the one of a pixel's region."""
    monkeypatch.setattr(regions_model, "MOST", 40 * 60 * 10)
    model = RegionsAndNames(Halves(), Axes(), ["{}"], 64, temperature=0.1)  # type: ignore[arg-type]
    fused = model.encode(torch.rand(1, 3, 40, 60))
    sizes = []
    for n in (10, 11, 40, 41, 847):
        logits = model.score(fused, Words(("w",) * n, torch.eye(4)[:1].expand(n, 1, 4))).logits
        assert logits.numel() <= 40 * 60 * 10
        sizes.append(tuple(logits.shape[2:]))
        assert logits[0, 0, :, : logits.shape[3] // 2].eq(10).all()
        assert logits[0, 0, :, logits.shape[3] // 2 :].eq(0).all()
    assert sizes == [(40, 60), (20, 30), (20, 30), (10, 15), (2, 4)]
