"""`sam-clip` and `regions-tiny` at test size keep the contract of models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from openvss.errors import InputError
from openvss.models import trained
from openvss.models.base import VideoModel
from openvss.models.encoders.minilm import MiniLM
from openvss.models.regions import model as regions_model
from openvss.models.regions.model import RegionsAndNames, build_regions_tiny, build_sam_clip
from openvss.models.regions.presets import RegionsTinyOptions, SamClipOptions
from openvss.models.regions.sam_masks import SamMasks
from openvss.models.tiny.model import Tiny
from openvss.models.trained import load_model
from openvss.models.words import WordEmbeddings
from openvss.words.vocabulary import Vocabulary
from tests.models.golden import scene
from tests.models.suite import VideoModelSuite
from tests.models.two_frame import LetterText


def nano(namer: Literal["crops", "pooled"]) -> RegionsAndNames:
    """A random SAM is never sure; a mild temperature, since steps of hundreds magnify rounding."""
    parts = SamClipOptions("nano", "nano", namer, points=3, templates="plain", temperature=0.1)
    return build_sam_clip(replace(parts, quality=-1.0, stability=0.0))


class TestSamClip(VideoModelSuite):
    def build(self) -> VideoModel:
        return nano("crops")


class TestSamClipPooled(VideoModelSuite):
    def build(self) -> VideoModel:
        return nano("pooled")


class Letters(LetterText):
    """In place of MiniLM, which takes a minute for hundreds of words and is tested by itself."""

    dim = 384


class TestRegionsTiny(VideoModelSuite):
    def build(self) -> VideoModel:
        model = build_regions_tiny(RegionsTinyOptions(count=40))
        model.text = Letters()
        return model


class Halves:
    def __call__(self, frames: Tensor) -> Tensor:
        ids = torch.zeros(len(frames), *frames.shape[2:], dtype=torch.long)
        ids[..., ids.shape[-1] // 2 :] = 1
        return ids


class Axes(nn.Module):
    """Region r points along axis r."""

    text = MiniLM()

    def forward(self, frames: Tensor, ids: Tensor) -> Tensor:
        return torch.eye(4).expand(len(frames), -1, -1)


def test_a_region_takes_one_word() -> None:
    model = RegionsAndNames(Halves(), Axes(), ["{}"], 64, temperature=0.1)
    words = WordEmbeddings(("a", "b", "c"), torch.eye(4)[[2, 1, 0]][:, None])
    logits = model.score(model.encode(torch.rand(1, 3, 40, 60)), words).logits
    assert logits.shape == (1, 3, 40, 60)
    assert torch.equal(logits[0].argmax(0), torch.tensor([2, 1]).repeat_interleave(30).expand(40, 60))
    assert logits.max() == pytest.approx(10)


def test_scores_of_many_words_stay_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the grid is coarser; each score is still the one of a pixel's region."""
    monkeypatch.setattr(regions_model, "MOST", 40 * 60 * 10)
    model = RegionsAndNames(Halves(), Axes(), ["{}"], 64, temperature=0.1)
    fused = model.encode(torch.rand(1, 3, 40, 60))
    sizes = []
    for n in (10, 11, 40, 41, 847):
        logits = model.score(fused, WordEmbeddings(("w",) * n, torch.eye(4)[:1].expand(n, 1, 4))).logits
        assert logits.numel() <= 40 * 60 * 10
        sizes.append(tuple(logits.shape[2:]))
        assert logits[0, 0, :, : logits.shape[3] // 2].eq(10).all()
        assert logits[0, 0, :, logits.shape[3] // 2 :].eq(0).all()
    assert sizes == [(40, 60), (20, 30), (20, 30), (10, 15), (2, 4)]


def test_regions_tiny_brings_its_weights() -> None:
    """Those of the pair of `tiny`, whose answers it averages over regions."""
    model, tiny = load_model("regions-tiny"), load_model("tiny")
    assert isinstance(model, RegionsAndNames)
    assert isinstance(tiny, Tiny)
    assert model.weights_sha256 is not None
    frame = torch.from_numpy(scene()).permute(2, 0, 1)[None] / 255
    words = tiny.embed(Vocabulary.parse("sky, grass, tree, person, car"))
    with torch.no_grad():
        ours = model(frame[:, None], words).logits.argmax(1)
        cosines = torch.einsum("bdhw,nd->bnhw", tiny.pair.dense(frame), words.embeddings[:, 0])
        theirs = torch.nn.functional.interpolate(cosines, frame.shape[2:])
    assert (ours == theirs.argmax(1)).float().mean() > 0.85


def test_sam_clip_says_which_weights_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def small(name: str, options: dict[str, object]) -> VideoModel:
        model = nano("crops")
        assert isinstance(model.regions, SamMasks)
        model.regions.sam.hub = "facebook/sam-vit-base"
        return model

    monkeypatch.setattr(trained, "_build", small)
    monkeypatch.setenv("OPENVSS_WEIGHTS", str(tmp_path))
    with pytest.raises(InputError, match="facebook/sam-vit-base is not on this machine"):
        load_model("sam-clip")
    saved = nano("crops")
    assert isinstance(saved.regions, SamMasks)
    saved.regions.sam.sam.save_pretrained(tmp_path / "facebook/sam-vit-base")
    loaded = load_model("sam-clip")
    assert isinstance(loaded, RegionsAndNames)
    assert isinstance(loaded.regions, SamMasks)
    weights = saved.regions.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in loaded.regions.state_dict().items())
