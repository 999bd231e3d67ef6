"""Words as embeddings, and their cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from openvss.errors import InputError
from openvss.models.words import WordEmbeddings, embed, user_cache
from openvss.words import Vocabulary
from openvss.words.templates import IMAGENET, PLAIN

TEMPLATES = ("a {}.", "the {}, seen.", "{}")
WORDS = Vocabulary.parse("person | pedestrian | rider, road, sky | heaven")


class Fake:
    """A text encoder whose vectors come from hashing; it counts what it is asked."""

    dim = 8

    def __init__(self, fingerprint: str = "fake-1") -> None:
        self.fingerprint = fingerprint
        self.phrases: list[str] = []
        self.largest_batch = 0

    def encode(self, phrases: Sequence[str]) -> Tensor:
        self.phrases += phrases
        self.largest_batch = max(self.largest_batch, len(phrases))
        return torch.stack([self.vector(phrase) for phrase in phrases])

    def vector(self, phrase: str) -> Tensor:
        bytes_ = hashlib.sha256((self.fingerprint + phrase).encode()).digest()
        return F.normalize(torch.tensor(list(bytes_[: self.dim])).float() - 128, dim=0)


class Unloadable(Fake):
    """An encoder that must not be asked anything."""

    def encode(self, phrases: Sequence[str]) -> Tensor:
        raise AssertionError(f"encoded {phrases}")


def shelf_in(cache: Path) -> Path:
    (shelf,) = (cache / "words").iterdir()
    return shelf


def same(a: WordEmbeddings, b: WordEmbeddings) -> bool:
    return a.names == b.names and torch.equal(a.embeddings, b.embeddings)


@pytest.fixture
def expected() -> WordEmbeddings:
    return embed(WORDS, Fake(), TEMPLATES, cache=None)


def test_prompts_average_into_synonyms_and_synonyms_into_labels() -> None:
    fake = Fake()
    words = embed(WORDS, fake, TEMPLATES, cache=None)
    assert words.names == ("person", "road", "sky")
    assert words.embeddings.shape == (3, 1, 8)
    assert words.embeddings.dtype == torch.float32
    for label, row in zip(WORDS, words.embeddings, strict=True):
        total = torch.zeros(8)
        for synonym in label.synonyms:
            prompts = sum((fake.vector(t.format(synonym)) for t in TEMPLATES), torch.zeros(8))
            total += prompts / prompts.norm()
        torch.testing.assert_close(row[0], total / total.norm())


def test_templates_kept_apart() -> None:
    fake = Fake()
    words = embed(WORDS, fake, TEMPLATES, cache=None, average=False)
    assert words.embeddings.shape == (3, 3, 8)
    for label, rows in zip(WORDS, words.embeddings, strict=True):
        for template, row in zip(TEMPLATES, rows, strict=True):
            total = sum((fake.vector(template.format(s)) for s in label.synonyms), torch.zeros(8))
            torch.testing.assert_close(row, total / total.norm())


def test_the_cache_tells_averaged_templates_from_those_kept_apart(
    tmp_path: Path, expected: WordEmbeddings
) -> None:
    apart = embed(WORDS, Fake(), TEMPLATES, tmp_path, average=False)
    assert same(embed(WORDS, Fake(), TEMPLATES, tmp_path), expected)
    assert same(embed(WORDS, Unloadable(), TEMPLATES, tmp_path, average=False), apart)
    assert same(embed(WORDS, Unloadable(), TEMPLATES, tmp_path), expected)


def test_braces_in_a_word_are_letters_like_others() -> None:
    fake = Fake()
    embed(Vocabulary.parse("a {} b, {0}"), fake, ("the {}",), cache=None)
    assert fake.phrases == ["the a {} b", "the {0}"]


@pytest.mark.parametrize(
    ("templates", "says"), [((), "no prompt templates"), (("{}", "a cat"), "'a cat' has no")]
)
def test_templates_without_a_word_are_refused(templates: tuple[str, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        embed(WORDS, Fake(), templates, cache=None)


def test_what_ships_is_neither_encoded_nor_kept_again(
    tmp_path: Path, expected: WordEmbeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(WORDS, Fake(), TEMPLATES, cache=tmp_path / "shipped")
    monkeypatch.setattr("openvss.weights.bundled.FOLDER", tmp_path / "shipped")
    assert same(embed(WORDS, Unloadable(), TEMPLATES, cache=None), expected)
    embed(Vocabulary.parse("road, swan"), Fake(), TEMPLATES, cache=tmp_path)
    with safe_open(shelf_in(tmp_path), framework="pt") as file:
        assert json.loads(file.metadata()["words"]) == ["swan"]
    embed(WORDS, encoder := Fake("fake-2"), TEMPLATES, cache=None)
    assert encoder.phrases  # those of another encoder do not count


def test_a_label_does_not_depend_on_the_others(expected: WordEmbeddings) -> None:
    other = Vocabulary.parse("tree, sky | heaven, person | pedestrian | rider")
    words = embed(other, Fake(), TEMPLATES, cache=None)
    assert torch.equal(words.embeddings[1:], expected.embeddings[[2, 0]])


def test_large_lists_are_encoded_in_bounded_batches_and_once_per_synonym() -> None:
    fake = Fake()
    vocabulary = Vocabulary.parse("ade847")
    words = embed(vocabulary, fake, IMAGENET, cache=None)
    assert words.embeddings.shape == (847, 1, 8)
    assert fake.largest_batch <= 256
    assert len(fake.phrases) == 80 * len({word for label in vocabulary for word in label.synonyms})


def test_what_is_cached_is_not_encoded_again(tmp_path: Path, expected: WordEmbeddings) -> None:
    assert same(embed(WORDS, Fake(), TEMPLATES, tmp_path), expected)
    assert same(embed(WORDS, Unloadable(), TEMPLATES, tmp_path), expected)
    reordered = Vocabulary.parse("sky | heaven, road")
    assert torch.equal(
        embed(reordered, Unloadable(), TEMPLATES, tmp_path).embeddings, expected.embeddings[[2, 1]]
    )


def test_what_was_embedded_before_a_stop_is_kept(tmp_path: Path) -> None:
    names = [f"thing {i}" for i in range(70)]

    class Stopping(Fake):
        def encode(self, phrases: Sequence[str]) -> Tensor:
            if phrases == ["thing 40"]:
                raise KeyboardInterrupt
            return super().encode(phrases)

    with pytest.raises(KeyboardInterrupt):
        embed(Vocabulary.parse(", ".join(names)), Stopping(), PLAIN, tmp_path)
    embed(Vocabulary.parse(", ".join(names[:32])), Unloadable(), PLAIN, tmp_path)
    fake = Fake()
    embed(Vocabulary.parse(", ".join(names)), fake, PLAIN, tmp_path)
    assert fake.phrases == names[32:]


def test_an_added_word_is_encoded_alone_and_kept_too(tmp_path: Path) -> None:
    embed(WORDS, Fake(), PLAIN, tmp_path)
    fake = Fake()
    embed(Vocabulary.parse("road, moss"), fake, PLAIN, tmp_path)
    assert fake.phrases == ["moss"]
    embed(Vocabulary.parse("moss, person, rider"), Unloadable(), PLAIN, tmp_path)


def test_the_cache_tells_encoders_and_templates_apart(tmp_path: Path, expected: WordEmbeddings) -> None:
    embed(WORDS, Fake(), TEMPLATES, tmp_path)
    other = embed(WORDS, Fake("fake-2"), TEMPLATES, tmp_path)
    assert same(other, embed(WORDS, Fake("fake-2"), TEMPLATES, cache=None))
    assert not same(other, expected)
    assert not same(embed(WORDS, Fake(), TEMPLATES[:2], tmp_path), expected)
    assert len(list((tmp_path / "words").iterdir())) == 3


@pytest.mark.parametrize("keep", [0, 4, 100, -1, -40])
def test_a_truncated_cache_changes_nothing(tmp_path: Path, expected: WordEmbeddings, keep: int) -> None:
    embed(WORDS, Fake(), TEMPLATES, tmp_path)
    shelf = shelf_in(tmp_path)
    shelf.write_bytes(shelf.read_bytes()[:keep])
    assert same(embed(WORDS, Fake(), TEMPLATES, tmp_path), expected)
    assert same(embed(WORDS, Unloadable(), TEMPLATES, tmp_path), expected)


def test_no_flipped_byte_goes_unnoticed(tmp_path: Path, expected: WordEmbeddings) -> None:
    embed(WORDS, Fake(), TEMPLATES, tmp_path)
    shelf = shelf_in(tmp_path)
    whole = shelf.read_bytes()
    for place in range(0, len(whole), 7):
        shelf.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert same(embed(WORDS, Fake(), TEMPLATES, tmp_path), expected), place


@pytest.mark.parametrize("note", [None, {}, {"words": "[]", "sha256": "0"}, {"words": "{", "sha256": "0"}])
def test_a_foreign_file_in_the_cache_changes_nothing(
    tmp_path: Path, expected: WordEmbeddings, note: dict[str, str] | None
) -> None:
    embed(WORDS, Fake(), TEMPLATES, tmp_path)
    shelf = shelf_in(tmp_path)
    save_file({"vectors": torch.ones(1, 8)}, shelf, note)
    assert same(embed(WORDS, Fake(), TEMPLATES, tmp_path), expected)
    assert same(embed(WORDS, Unloadable(), TEMPLATES, tmp_path), expected)


def test_a_cache_of_vectors_of_another_length_changes_nothing(tmp_path: Path) -> None:
    embed(WORDS, Fake(), TEMPLATES, tmp_path)
    longer = Fake()
    longer.dim = 12
    assert same(embed(WORDS, longer, TEMPLATES, tmp_path), embed(WORDS, longer, TEMPLATES, cache=None))


@pytest.mark.parametrize("obstacle", ["", "words"])
def test_a_cache_that_cannot_be_written_changes_nothing(
    tmp_path: Path, expected: WordEmbeddings, obstacle: str
) -> None:
    cache = tmp_path / "cache"
    blocked = cache / obstacle
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text("a file where a folder should be")
    assert same(embed(WORDS, Fake(), TEMPLATES, cache), expected)


def test_a_full_disk_leaves_no_half_written_file(
    tmp_path: Path, expected: WordEmbeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert same(embed(WORDS, Fake(), TEMPLATES, tmp_path), expected)
    assert list((tmp_path / "words").iterdir()) == []


def test_a_writer_keeps_what_another_added_meanwhile(tmp_path: Path) -> None:
    class Slow(Fake):
        def encode(self, phrases: Sequence[str]) -> Tensor:
            embed(Vocabulary.parse("moss"), Fake(), PLAIN, tmp_path)
            return super().encode(phrases)

    embed(Vocabulary.parse("road"), Slow(), PLAIN, tmp_path)
    embed(Vocabulary.parse("road, moss"), Unloadable(), PLAIN, tmp_path)
    assert load_file(shelf_in(tmp_path))["vectors"].shape == (2, 1, 8)


def test_the_cache_lies_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("OPENVSS_CACHE", raising=False)
    assert user_cache() == tmp_path / "home/.cache/openvss"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert user_cache() == tmp_path / "home/.cache/openvss"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert user_cache() == tmp_path / "xdg/openvss"
    monkeypatch.setenv("OPENVSS_CACHE", str(tmp_path / "own"))
    embed(WORDS, Fake(), TEMPLATES)
    assert shelf_in(tmp_path / "own").is_file()


def test_no_home_means_no_cache(expected: WordEmbeddings, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("OPENVSS_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert same(embed(WORDS, Fake(), TEMPLATES), expected)


def test_words_in_any_script_survive_the_cache(tmp_path: Path) -> None:
    vocabulary = Vocabulary.parse('道路, café, "quoted", back\\slash')
    first = embed(vocabulary, Fake(), PLAIN, tmp_path)
    assert same(embed(vocabulary, Unloadable(), PLAIN, tmp_path), first)
    assert json.dumps("道路")[1:-1].encode() in shelf_in(tmp_path).read_bytes().replace(b"\\\\", b"\\")
