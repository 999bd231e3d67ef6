"""The toy pair and how it is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.models.encoders import test_backbones, test_pairs

from openvss.models.encoders.pairs import pair
from openvss.models.words import embed
from openvss.words.vocabulary import Vocabulary
from projects.toy.data import LOOKS, SEEN, UNSEEN
from projects.toy.encoders import ToyBackbone, ToyPair
from projects.toy.pair import PairSettings, Pictures, contrast, save_pair, train_pair

FEW = PairSettings(steps=3, scenes=4, batch=4)


@pytest.fixture(scope="module")
def trained() -> ToyPair:
    return train_pair(3, FEW)


def test_maps_have_the_strides_that_are_declared() -> None:
    backbone = ToyBackbone()
    for channels, stride, found in zip(
        backbone.channels, backbone.strides, backbone(torch.rand(1, 3, 33, 70)), strict=True
    ):
        assert found.shape[1:] == (channels, -(-33 // stride), -(-70 // stride))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (64, 32), (70, 101)])
def test_the_backbone_takes_frames_of_any_size(height: int, width: int) -> None:
    test_backbones.test_any_size("toy", height, width)


def test_the_backbone_keeps_the_contract() -> None:
    test_backbones.test_frames_of_a_batch_are_seen_alone("toy")
    test_backbones.test_every_parameter_and_every_pixel_matters("toy")


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (70, 101)])
def test_the_pair_takes_frames_of_any_size(height: int, width: int) -> None:
    test_pairs.test_dense_features_of_any_size(pair("toy"), height, width)


def test_the_pair_keeps_the_contract() -> None:
    torch.manual_seed(0)
    test_pairs.test_a_frame_does_not_see_its_neighbours_in_the_batch(pair("toy"))
    test_pairs.test_pairs_keep_the_contract(pair("toy"))
    test_pairs.test_words_are_unit_vectors_of_their_own(pair("toy"))


def test_phrases_are_bags_of_words_that_differ() -> None:
    torch.manual_seed(0)
    text = ToyPair().text
    one, same, other = text.encode(["red striped disc", "Striped  red disc", "red striped square"])
    torch.testing.assert_close(one, same)
    assert one @ other < 0.999


def test_lengths_may_be_mixed() -> None:
    torch.manual_seed(0)
    tower = ToyPair().tower
    torch.testing.assert_close(tower(["red", "a big red disc"])[0], tower(["red"])[0], atol=1e-6, rtol=0)


def test_embeddings_are_cached_until_the_weights_change(tmp_path: Path) -> None:
    torch.manual_seed(0)
    pair, words = ToyPair(), Vocabulary.parse("red disc, blue sky")
    before = pair.text.fingerprint
    first = embed(words, pair.text, ("{}",), tmp_path)
    assert torch.equal(embed(words, pair.text, ("{}",), tmp_path).embeddings, first.embeddings)
    pair.tower.project.weight.data *= -1
    assert pair.text.fingerprint != before
    assert not torch.allclose(embed(words, pair.text, ("{}",), tmp_path).embeddings, first.embeddings)


def test_training_depends_on_the_seed_alone(trained: ToyPair, tmp_path: Path) -> None:
    again, other = train_pair(3, FEW), train_pair(4, FEW)
    for name, value in trained.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    assert not torch.equal(other.project.weight, trained.project.weight)
    save_pair(trained, tmp_path / "new" / "pair.safetensors")
    loaded = ToyPair()
    loaded.load_state_dict(load_file(tmp_path / "new" / "pair.safetensors"))
    assert loaded.text.fingerprint == trained.text.fingerprint
    assert not any(p.requires_grad for p in trained.parameters())


def test_the_pair_never_sees_an_unseen_composition() -> None:
    pictures = Pictures(PairSettings(scenes=80), 0)
    named: set[str] = set()
    for _ in range(10):
        pixels, captions = pictures.draw()
        assert pixels.shape == (48, 3, 24, 24)
        named.update(*captions)
    assert named <= {look.word for look in SEEN}
    assert len(named) > 40
    assert (len(LOOKS), len(SEEN), len(UNSEEN)) == (60, 47, 13)


def test_contrast_by_hand() -> None:
    """Two pictures that share a phrase: it is a negative of neither."""
    pair = ToyPair()
    source = Pictures(FEW, 0)
    source.phrase = lambda name: name  # type: ignore[method-assign]
    pictures, captions, scale = torch.rand(2, 3, 32, 32), [{"a", "b"}, {"b"}], torch.tensor(2.0)
    found = contrast(pair, scale, pictures, captions, source, focus=0.3)
    texts, alike = pair.text.encode(["a", "b"]), torch.zeros(2, 2)
    for i, dense in enumerate(pair.dense(pictures).flatten(2)):
        for j, text in enumerate(texts):
            cosine = torch.cosine_similarity(dense.T, text[None])
            alike[i, j] = ((cosine / 0.3).softmax(0) * cosine).sum() * scale.exp()
    # Picture 0 has no phrase that is not its own, so only picture 1 has anything to prefer; likewise "a".
    of_pictures = torch.stack([torch.zeros(()), torch.zeros(()), (alike[1, 0] - alike[1, 1]).exp().log1p()])
    of_phrases = torch.stack([(alike[1, 0] - alike[0, 0]).exp().log1p(), torch.zeros(()), torch.zeros(())])
    torch.testing.assert_close(found, (of_pictures.mean() + of_phrases.mean()) / 2)
