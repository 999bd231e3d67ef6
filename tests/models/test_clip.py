"""CLIP ViT: its text tower and its words as tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from openvss.errors import InputError
from openvss.models.encoders.clip import ClipViT
from openvss.models.encoders.clip_tokens import LENGTH, BytePairs, HashedWords


def test_positions_are_the_published_ones_at_the_published_size() -> None:
    torch.manual_seed(0)
    clip = ClipViT("nano")
    frames = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        whole = clip.dense(frames)
        clip.clip.vision_model.embeddings.position_embedding.weight[1:] += 1.0
        assert not torch.allclose(clip.dense(frames), whole)
    assert whole.shape == (1, 24, 4, 4)


def test_the_fingerprint_follows_the_weights() -> None:
    torch.manual_seed(0)
    one, other = ClipViT("nano"), ClipViT("nano")
    before = one.text.fingerprint
    assert before == one.text.fingerprint != other.text.fingerprint
    other.load_state_dict(one.state_dict())
    assert other.text.fingerprint == before
    with torch.no_grad():
        one.clip.text_projection.weight[0, 0] += 1
    assert one.text.fingerprint != before


def test_text_moves_and_copies_with_the_pair() -> None:
    """The text tower is a part of the pair's state, once."""
    names = list(ClipViT("nano").state_dict())
    assert any(name.startswith("clip.text_model.") for name in names)
    assert not any(name.startswith("text.") for name in names)


def test_hashed_words() -> None:
    tokens = HashedWords(100)
    ids = tokens(["a dog", "A  dog", "a cat!", "dog"])
    assert ids.shape == (4, 5)
    assert torch.equal(ids[0], ids[1])
    assert ids[3].tolist() == [98, ids[0, 2].item(), 99, 99, 99]
    assert tokens(["word " * 200]).shape == (1, LENGTH)


def test_missing_merges_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no merges\.txt"):
        BytePairs(tmp_path)
