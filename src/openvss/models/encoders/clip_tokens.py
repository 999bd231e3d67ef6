"""Phrases as token ids for CLIP's text towers: byte pairs or, without their file, hashes."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77  # positions of the text towers; longer phrases are cut


class Tokens(Protocol):
    """Turns phrases into (n, L) token ids, each with its start and end token, padded with the end token."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the ids would."""
        ...

    def __call__(self, phrases: Sequence[str]) -> Tensor:
        """(n, L), no longer than the longest phrase needs."""
        ...


class BytePairs:
    """CLIP's lower-cased byte-pair encoding, from `merges.txt` and, if it lies beside it, `vocab.json`.

    The merges alone determine the vocabulary: 256 byte signs, the same at the end of a word, one sign per
    merge in their order, and the two marks.
    """

    def __init__(self, merges: Path) -> None:
        vocabulary = merges.with_name("vocab.json")
        lines = merges.read_text(encoding="utf-8").splitlines()
        pairs = [line for line in lines if line and not line.startswith("#version")]
        known = json.loads(vocabulary.read_text(encoding="utf-8")) if vocabulary.is_file() else derived(pairs)
        self.size = len(known)
        self.fingerprint = sha256(json.dumps([known, pairs]).encode()).hexdigest()
        self._tokenizer = _tokenizer(known, pairs)

    def __call__(self, phrases: Sequence[str]) -> Tensor:
        return self._tokenizer(
            list(phrases), padding=True, truncation=True, max_length=LENGTH, return_tensors="pt"
        )["input_ids"]


class HashedWords:
    """Stands in for byte pairs where weights are random anyway: each word gets an id by its spelling.

    Args:
        size: Of the vocabulary; the last two ids are the marks.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.fingerprint = f"hashed-words-1-{size}"

    def __call__(self, phrases: Sequence[str]) -> Tensor:
        start, end = self.size - 2, self.size - 1
        rows = []
        for phrase in phrases:
            words = re.findall(r"\w+|[^\w\s]", phrase.lower())[: LENGTH - 2]
            rows.append([start, *(zlib.crc32(word.encode()) % start for word in words), end])
        longest = max(map(len, rows))
        return torch.tensor([row + [end] * (longest - len(row)) for row in rows])


def derived(merges: Sequence[str]) -> dict[str, int]:
    """The vocabulary that merges imply, in CLIP's order."""
    signs = byte_signs()
    tokens = [*signs, *(sign + "</w>" for sign in signs), *(pair.replace(" ", "") for pair in merges)]
    return {token: i for i, token in enumerate([*tokens, START, END])}


def byte_signs() -> list[str]:
    """A visible sign for each of the 256 bytes, in GPT-2's order: printable bytes stand for themselves."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    return [chr(i) for i in printable] + [chr(256 + i) for i in range(256 - len(printable))]


def _tokenizer(vocabulary: dict[str, int], merges: Sequence[str]) -> CLIPTokenizer:
    from transformers import CLIPTokenizer

    return CLIPTokenizer(vocab=vocabulary, merges=[tuple(pair.split(" ")) for pair in merges])
