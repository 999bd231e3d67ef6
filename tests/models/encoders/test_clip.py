"""CLIP ViT: its text tower and its words as tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from openvss.models.encoders.clip import ClipViT
from openvss.models.encoders.clip_tokens import END, LENGTH, START, BytePairs, HashedWords, derived
from openvss.models.encoders.convnext_clip import ConvNextClip
from tests.weights.open_clip_files import TextSize, convnext_shapes, random_state, text_shapes


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


GOLDEN = {
    "a photo of a cat": [320, 1125, 539, 320, 2368],
    "A Photo of the DOG.": [320, 1125, 539, 518, 1929, 269],
    "itap of my traffic light": [529, 2728, 539, 607, 3399, 1395],
    "person | pedestrian": [2533, 347, 18256],
    "don't stop, it's 2026!": [847, 713, 1691, 267, 585, 568, 273, 271, 273, 277, 256],
    "a close-up photo of a crosswalk": [320, 2660, 268, 705, 1125, 539, 320, 5266, 2374],
    "naïve café": [1097, 35689, 563, 15304],
    "airplane; aeroplane": [16451, 282, 27735, 3980],
    "there is a skyscraper in the scene.": [997, 533, 320, 3075, 11187, 1284, 530, 518, 3562, 269],
    "日本": [39121, 19277, 361],
    "we've 3 zebras & 12 giraffes": [649, 1200, 274, 2254, 22611, 261, 272, 273, 16949, 46441],
    "hand-rail_or_fence": [2463, 268, 6879, 318, 541, 318, 12679],
}


@pytest.fixture(scope="module")
def merges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public merges that the golden phrases need, with the ids that they have among all 48,894."""
    folder = tmp_path_factory.mktemp("merges")
    text = (Path(__file__).parent / "clip_merges.txt").read_text(encoding="utf-8")
    ranked = [line.split(" ", 1) for line in text.splitlines()]
    signs = derived([])
    vocabulary = {token: i for token, i in signs.items() if i < 512} | {START: 49406, END: 49407}
    vocabulary |= {pair.replace(" ", ""): 512 + int(rank) for rank, pair in ranked}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "\n".join(pair for _, pair in ranked) + "\n", "utf-8"
    )
    return folder / "merges.txt"


@pytest.mark.parametrize("phrase", GOLDEN)
def test_byte_pairs_agree_with_the_published_tokenizer(merges: Path, phrase: str) -> None:
    """Ids from the tokenizer that CLIP's authors released."""
    assert BytePairs(merges)([phrase])[0].tolist() == [49406, *GOLDEN[phrase], 49407]


def test_byte_pairs_in_batches(merges: Path) -> None:
    tokens = BytePairs(merges)
    ids = tokens(list(GOLDEN))
    for row, expected in zip(ids.tolist(), GOLDEN.values(), strict=True):
        assert row == [49406, *expected, *[49407] * (len(row) - len(expected) - 1)]
    long = tokens(["cat " * 100])[0].tolist()
    assert (len(long), long[-2:]) == (LENGTH, [2368, 49407])


def test_merges_alone_are_enough(merges: Path, tmp_path: Path) -> None:
    """Without `vocab.json` ids follow from the merges: signs, signs that end a word, merges, marks."""
    (tmp_path / "merges.txt").write_bytes(merges.read_bytes())
    tokens = BytePairs(tmp_path / "merges.txt")
    assert tokens.size == 512 + 109 + 2
    assert tokens(["the a!"])[0].tolist() == [621, 512 + 3, 256 + 64, 256, 622]
    assert tokens.fingerprint != BytePairs(merges).fingerprint


def test_published_weights_and_the_words_they_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, merges: Path
) -> None:
    """From a folder laid out like the hub. Trained weights read byte pairs, untrained ones hashes."""
    monkeypatch.setenv("OPENVSS_WEIGHTS", str(tmp_path))
    source, target = ClipViT("nano"), ClipViT("nano")
    with torch.no_grad():
        source.clip.text_model.final_layer_norm.weight += 0.1
    folder = tmp_path / "openai" / "clip"
    source.clip.save_pretrained(folder)
    for name in ("merges.txt", "vocab.json"):
        (folder / name).write_bytes(merges.with_name(name).read_bytes())
    target.hub = target.text.hub = "openai/clip"
    assert isinstance(target.text.tokens, HashedWords)
    target.load_pretrained()
    assert isinstance(target.text.tokens, BytePairs)
    for name, value in source.state_dict().items():
        assert torch.equal(target.state_dict()[name], value)
    assert isinstance(source.text.tokens, HashedWords)


def test_convnext_weights_under_the_names_of_open_clip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENVSS_WEIGHTS", str(tmp_path))
    text = TextSize()
    state = random_state(convnext_shapes((8, 16, 24, 32), (1, 1, 1, 1), text.dim) | text_shapes(text))
    (tmp_path / "laion" / "clip").mkdir(parents=True)
    save_file(state, tmp_path / "laion" / "clip" / "open_clip_model.safetensors")
    pair = ConvNextClip("nano")
    pair.hub = "laion/clip"
    pair.load_pretrained()
    torch.testing.assert_close(
        pair.projection.weight.double(), state["visual.head.proj.weight"], atol=1e-6, rtol=0
    )
