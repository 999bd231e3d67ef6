"""The MiniLM text encoder, with its real weights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from openvss.errors import InputError
from openvss.models.encoders import minilm
from openvss.models.encoders.minilm import MiniLM
from openvss.models.words import embed
from openvss.words import Vocabulary
from openvss.words.templates import SHORT

FILES, WEIGHTS = (minilm.GRAPH, minilm.TOKENIZER), minilm.FOLDER
PHRASES = ["car", "automobile", "tree", "a photo of a central processing unit.", "café", ""]


@pytest.fixture(scope="module")
def encoder() -> MiniLM:
    return MiniLM()


def test_vectors_have_unit_length(encoder: MiniLM) -> None:
    vectors = encoder.encode(PHRASES)
    assert vectors.shape == (len(PHRASES), encoder.dim)
    assert vectors.dtype == torch.float32
    assert not vectors.requires_grad
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(PHRASES)))
    assert encoder.encode([]).shape == (0, encoder.dim)


@pytest.mark.parametrize("word", ["猫猫", "🐶", "a photo of a 🐶"])
def test_unreadable_words_are_named(encoder: MiniLM, word: str) -> None:
    """They would all mean the same."""
    with pytest.raises(InputError, match="knows English only") as caught:
        encoder.encode(["car", word])
    assert word in str(caught.value)


def test_meaning_is_in_the_angles(encoder: MiniLM) -> None:
    car, automobile, tree = encoder.encode(["car", "automobile", "tree"])
    assert car @ automobile > 0.8
    assert car @ automobile > car @ tree + 0.3


def test_published_vector(encoder: MiniLM) -> None:
    """Mean pooling over real tokens only, as the model's authors do: values from their reference library."""
    vector = encoder.encode(["This is an example sentence"])[0]
    published = torch.tensor([0.067657, 0.063496, 0.048713, 0.079305])
    torch.testing.assert_close(vector[:4], published, atol=1e-3, rtol=0)  # the weights that ship are rounded


def test_vectors_of_the_original(encoder: MiniLM) -> None:
    """64 phrases by the authors' weights and transformers' code, in half precision."""
    reference = np.load(Path(__file__).with_name("minilm.npz"))
    cosines = (encoder.encode(reference["words"].tolist()).numpy() * reference["vectors"]).sum(1)
    assert len(cosines) == 64
    assert cosines.min() > 0.9994, reference["words"][cosines.argmin()]
    assert cosines.mean() > 0.99995


def test_long_phrases_are_cut(encoder: MiniLM) -> None:
    long = encoder.encode(["road " * 400, "road " * 254, "road " * 253])
    assert torch.equal(long[0], long[1])
    assert not torch.equal(long[1], long[2])


def test_neighbours_and_order_make_no_difference(encoder: MiniLM) -> None:
    together = encoder.encode(PHRASES)
    alone = torch.cat([encoder.encode([phrase]) for phrase in PHRASES])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
    torch.testing.assert_close(encoder.encode(PHRASES[::-1]).flip(0), together, atol=1e-6, rtol=0)
    assert torch.equal(encoder.encode(PHRASES), together)


def test_many_phrases_are_encoded_in_small_batches(encoder: MiniLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "_BATCH", 2)
    sizes: list[int] = []
    encode = encoder._encode_batch

    def watched(phrases: Sequence[str]) -> torch.Tensor:
        sizes.append(len(phrases))
        return encode(phrases)

    monkeypatch.setattr(encoder, "_encode_batch", watched)
    assert encoder.encode(PHRASES).shape == (len(PHRASES), 384)
    assert sizes == [2, 2, 2]


def test_the_caller_s_precision_and_seed_are_left_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        vector = MiniLM().encode(["road"])
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(vector, MiniLM().encode(["road"]))


def test_from_the_cache_nothing_is_loaded(encoder: MiniLM, tmp_path: Path) -> None:
    words = embed(Vocabulary.parse("car | automobile, tree"), encoder, SHORT, tmp_path)
    code = (
        "import sys, pathlib; from openvss.models.words import embed; from openvss.words import Vocabulary\n"
        "from openvss.models.encoders.minilm import MiniLM; from openvss.words.templates import SHORT\n"
        "encoder = MiniLM()\n"
        "vocabulary = Vocabulary.parse('tree, car | automobile')\n"
        "words = embed(vocabulary, encoder, SHORT, pathlib.Path(sys.argv[1]))\n"
        "assert not {'transformers', 'onnxruntime', 'tokenizers'} & set(sys.modules)\n"
        "assert '_model' not in vars(encoder)\n"
        "print(words.embeddings[:, 0, :2].tolist())"
    )
    run = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(words.embeddings[[1, 0], 0, :2].tolist())


def test_nothing_is_printed_and_no_network_is_needed() -> None:
    code = "from openvss.models.encoders.minilm import MiniLM; MiniLM().encode(['car'])"
    nowhere = {"HF_HUB_OFFLINE": "1", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | nowhere, capture_output=True, text=True, check=True
    )
    assert (run.stdout, run.stderr) == ("", "")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights that are read instead of those that ship, and are none."""
    for name in FILES:
        (tmp_path / name).write_bytes(b"{}" * 1000)
    monkeypatch.setattr(minilm, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize("changed", FILES)
def test_the_fingerprint_covers_every_byte(folder: Path, changed: str) -> None:
    before = MiniLM().fingerprint
    assert MiniLM().fingerprint == before
    with (folder / changed).open("r+b") as file:
        file.seek(1234)
        file.write(b"!")
    assert MiniLM().fingerprint != before


@pytest.mark.parametrize("damaged", FILES)
def test_damaged_weights_give_one_sentence(encoder: MiniLM, folder: Path, damaged: str) -> None:
    for name in FILES:
        if name != damaged:
            shutil.copy(WEIGHTS / name, folder)
    with pytest.raises(InputError, match=r"are damaged: reinstall openvss\.$"):
        MiniLM().encode(["car"])


@pytest.mark.parametrize("missing", FILES)
def test_missing_weights_give_one_sentence(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(InputError, match=rf"{missing} is missing from the installation: reinstall openvss"):
        MiniLM()
