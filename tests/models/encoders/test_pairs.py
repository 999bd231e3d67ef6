"""Image-text pairs: what every one of them promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from openvss.errors import InputError
from openvss.models.encoders.clip_text import ClipText
from openvss.models.encoders.contract import ImageText
from openvss.models.encoders.convnext_clip import ConvNextClip
from openvss.models.encoders.minilm import MiniLM
from openvss.models.encoders.pairs import PAIRS, PYRAMIDS, pair, pyramid, text_encoder

if TYPE_CHECKING:
    from openvss.models.encoders.pairs import Pair

PHRASES = ["road", "a photo of a road", "sky", "", "a rather long phrase, with commas; and more"]
TEST_SIZE = ["clip-nano", "clip-convnext-nano", "tiny"]


@pytest.fixture(params=TEST_SIZE)
def small(request: pytest.FixtureRequest) -> Pair:
    torch.manual_seed(0)
    return pair(request.param)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (70, 101)])
def test_dense_features_of_any_size(small: Pair, height: int, width: int) -> None:
    dense = small.dense(torch.rand(2, 3, height, width))
    assert dense.shape[:2] == (2, small.dim)
    assert dense.shape[2] / dense.shape[3] == pytest.approx(height / width, rel=0.5)
    assert torch.isfinite(dense).all()


def test_a_frame_does_not_see_its_neighbours_in_the_batch(small: Pair) -> None:
    frames = torch.rand(3, 3, 48, 64)
    torch.testing.assert_close(small.dense(frames)[1:2], small.dense(frames[1:2]), atol=1e-5, rtol=1e-5)


def test_pairs_keep_the_contract(small: Pair) -> None:
    keeps: ImageText = small
    assert keeps.text.dim == keeps.dim
    assert not any(p.requires_grad for p in small.parameters())
    frames = torch.rand(1, 3, 64, 64, requires_grad=True)
    torch.autograd.backward(small.dense(frames).square().sum())  # through the frozen weights
    assert frames.grad is not None
    assert frames.grad.any()


def test_words_are_unit_vectors_of_their_own(small: Pair) -> None:
    together = small.text.encode(PHRASES)
    assert together.shape == (len(PHRASES), small.dim)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(len(PHRASES)))
    for i, phrase in enumerate(PHRASES):
        torch.testing.assert_close(small.text.encode([phrase])[0], together[i], atol=1e-5, rtol=0)
    assert small.text.encode([]).shape == (0, small.dim)


def test_an_unknown_pair_is_named() -> None:
    with pytest.raises(InputError, match=r"no image-text pair 'clop': choose one of clip-vit-b16"):
        pair("clop")
    assert set(TEST_SIZE) <= set(PAIRS)


def test_pairs_of_sed_have_a_pyramid_and_an_image_side_that_is_trained() -> None:
    keeps = pyramid("clip-convnext-nano")
    assert len(keeps(torch.rand(1, 3, 64, 64))) == len(keeps.channels) == len(keeps.strides)
    assert isinstance(keeps, ConvNextClip)
    assert all(p.requires_grad for p in keeps.image.parameters())
    assert not any(p.requires_grad for p in keeps.words.parameters())
    with pytest.raises(
        InputError, match=r"^There is no image-text pair of SED 'tiny': choose one of clip-convnext-b,"
    ):
        pyramid("tiny")
    assert set(PYRAMIDS) <= set(PAIRS)


def test_text_encoders_by_name() -> None:
    assert isinstance(text_encoder("minilm"), MiniLM)
    assert isinstance(text_encoder("clip-nano"), ClipText)
    with pytest.raises(InputError, match="no image-text pair 'maxilm'"):
        text_encoder("maxilm")
