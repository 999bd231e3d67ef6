"""Words as embeddings: prompts average into synonyms, synonyms into labels, with a cache on disk.

Common words come with the package, in the same form: they need no text encoder at all.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from openvss.errors import InputError
from openvss.storage.atomic import own_draft, replacing
from openvss.weights import bundled
from openvss.words import Vocabulary

KEPT_AT_ONCE = 32  # words: the most that an interruption costs

log = logging.getLogger(__name__)
_watcher: ContextVar[Callable[[int, int], None] | None] = ContextVar("watcher", default=None)


@dataclass(frozen=True, eq=False)
class WordEmbeddings:
    """What a model needs to know of a vocabulary.

    Attributes:
        names: The display name of each label, in id order.
        embeddings: (N, P, D) float32 on the CPU, unit length along D; P is 1 where templates are averaged.
    """

    names: tuple[str, ...]
    embeddings: Tensor


class TextEncoder(Protocol):
    """Turns phrases into vectors; loads its weights only when `encode` is first called."""

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever the vectors would: covers the weights and the way of encoding."""
        ...

    def encode(self, phrases: Sequence[str]) -> Tensor:
        """(len(phrases), D) unit vectors; however many phrases there are, memory stays bounded."""
        ...


def embed(
    vocabulary: Vocabulary,
    encoder: TextEncoder,
    templates: Sequence[str],
    cache: Path | Literal["user"] | None = "user",
    *,
    average: bool = True,
) -> WordEmbeddings:
    """Embed a vocabulary: one vector per label, or one per label and template.

    The prompts of one synonym are encoded together and apart from all others: to the last bit, a label's
    embedding does not depend on the other labels, nor on whether it comes from the cache.

    Args:
        vocabulary: The labels.
        encoder: Encodes only what neither ships with the package nor is in the cache.
        templates: Prompts with `{}` in the place of the word.
        cache: Folder to keep embeddings in; "user" means `user_cache()`, None keeps nothing. A cache that is
            damaged or cannot be written only costs time. What ships is not cached.
        average: Whether a synonym is the mean of its prompts; otherwise templates stay apart, (N, P, D), and
            synonyms are averaged for each of them.
    """
    _check_templates(templates)
    folder = user_cache() if cache == "user" else cache
    shelf = None if folder is None else _shelf(folder, encoder.fingerprint, templates, average)
    shape = (1 if average else len(templates), encoder.dim)
    shipped = _shelf(bundled.FOLDER, encoder.fingerprint, templates, average)
    vectors = _load(shelf, shape) | _load_once(shipped, shape)
    synonyms = dict.fromkeys(word for label in vocabulary for word in label.synonyms)
    fresh = [word for word in synonyms if word not in vectors]
    tell = _watcher.get()
    if tell is None and len(fresh) > KEPT_AT_ONCE:
        log.warning("Embedding %d words for the first time.", len(fresh))
    for first in range(0, len(fresh), KEPT_AT_ONCE):
        embedded = {}
        for word in fresh[first : first + KEPT_AT_ONCE]:
            embedded[word] = _embed_word(word, encoder, templates, average)
            if tell is not None:
                tell(first + len(embedded), len(fresh))
        vectors |= embedded
        _save(shelf, embedded, shape)
    rows = [_mean(torch.stack([vectors[word] for word in label.synonyms])) for label in vocabulary]
    return WordEmbeddings(vocabulary.names, torch.stack(rows))


@contextlib.contextmanager
def watched(tell: Callable[[int, int], None]) -> Iterator[None]:
    """Within it, `tell` is given the number of words embedded for the first time and how many there are."""
    before = _watcher.set(tell)
    try:
        yield
    finally:
        _watcher.reset(before)


@functools.cache
def shipped_words() -> frozenset[str]:
    """The words whose embeddings come with the package."""
    words: set[str] = set()
    for shelf in (bundled.FOLDER / "words").glob("*.safetensors"):
        with safe_open(shelf, framework="pt") as file:
            words |= set(json.loads(file.metadata()["words"]))
    return frozenset(words)


def user_cache() -> Path | None:
    """`$OPENVSS_CACHE`, else `$XDG_CACHE_HOME/openvss`, else `~/.cache/openvss`; None without a home."""
    if own := os.environ.get("OPENVSS_CACHE"):
        return Path(own)
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():  # the XDG specification says to ignore relative paths
        return base / "openvss"
    try:
        return Path.home() / ".cache" / "openvss"
    except RuntimeError:
        return None


def _check_templates(templates: Sequence[str]) -> None:
    if not templates:
        raise InputError('There are no prompt templates: give at least "{}".')
    for template in templates:
        if "{}" not in template:
            raise InputError(
                f"The prompt template {template!r} has no {{}}: write it where the word belongs."
            )


def _embed_word(word: str, encoder: TextEncoder, templates: Sequence[str], average: bool) -> Tensor:
    """(1, D), or (templates, D) if they stay apart."""
    prompts = [template.replace("{}", word) for template in templates]
    vectors = encoder.encode(prompts).detach().float().cpu()
    return _mean(vectors)[None] if average else vectors


def _mean(vectors: Tensor) -> Tensor:
    """The direction between unit vectors: (n, ..., D) -> (..., D)."""
    return F.normalize(vectors.mean(dim=0), dim=-1)


# The cache is one file, a shelf, for each encoder, set of templates and way to average. It holds synonyms,
# not vocabularies, so that a word added to a list costs one encoding. Writers replace it whole: of two at
# once the last wins, and the words that the other added are encoded again later.


def _shelf(folder: Path, fingerprint: str, templates: Sequence[str], average: bool) -> Path:
    key = json.dumps([2, fingerprint, list(templates), average])  # 2: version of the file's layout
    return folder / "words" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.safetensors"


def _load(shelf: Path | None, shape: tuple[int, int]) -> dict[str, Tensor]:
    """All embeddings on the shelf; none if anything about it is wrong."""
    if shelf is None:
        return {}
    try:
        with safe_open(shelf, framework="pt") as file:
            note, vectors = file.metadata(), file.get_tensor("vectors")
        words = json.loads(note["words"])
        if note["sha256"] != _checksum(note["words"], vectors) or vectors.shape != (len(words), *shape):
            return {}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return {}
    return dict(zip(words, vectors, strict=True))


@functools.cache
def _load_once(shelf: Path, shape: tuple[int, int]) -> dict[str, Tensor]:
    return _load(shelf, shape)


def _save(shelf: Path | None, fresh: dict[str, Tensor], shape: tuple[int, int]) -> None:
    if shelf is None:
        return
    shelved = _load(shelf, shape) | fresh  # read again: another process may have added words meanwhile
    words, vectors = json.dumps(list(shelved)), torch.stack(list(shelved.values()))
    content = save({"vectors": vectors}, {"words": words, "sha256": _checksum(words, vectors)})
    with contextlib.suppress(OSError):
        shelf.parent.mkdir(parents=True, exist_ok=True)
        with replacing(shelf, own_draft(shelf)) as draft:
            draft.write_bytes(content)


def _checksum(words: str, vectors: Tensor) -> str:
    return hashlib.sha256(words.encode() + vectors.numpy().tobytes()).hexdigest()
