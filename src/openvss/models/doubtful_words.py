"""Words that a text encoder may not understand, for warnings: it gives every word a vector, known or not."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import pairwise

from openvss.models.encoders.minilm import MiniLM
from openvss.models.words import shipped_words
from openvss.words import builtin

ENDINGS = (
    ("ies", "y"),
    ("es", ""),
    ("s", ""),
    ("ing", ""),
    ("ing", "e"),
    ("ed", ""),
    ("ed", "e"),
    ("er", ""),
)
SHORTEST = 3  # letters of what an ending is taken from, and of the parts of a compound
FREQUENT = 12_000  # of the text encoder's words may be parts of a compound: "snow" and "man" of "snowman"
SHORT = 4  # letters of a word whose misspelling changes much of it
SEVERAL = 3  # words without commas that are taken for a list


def unknown_words(words: Iterable[str], text: MiniLM) -> tuple[str, ...]:
    """The words in which something is no English that the encoder knows.

    English is what ships with the package and what the encoder's vocabulary has whole, with the usual endings
    and compounds.
    """
    return tuple(word for word in words if word not in shipped_words() and _strange(word, text))


def near_spellings(word: str, text: MiniLM) -> tuple[str, ...]:
    """At most three common words, or phrases with them, that an unknown word may be a misspelling of."""
    strange = _strange(word, text)[0]
    cutoff = 0.65 if len(strange) <= SHORT else 0.7
    near = get_close_matches(strange, sorted(_listed()), 3, cutoff)
    return tuple(_plain(word).replace(strange, one) for one in near)


def looks_like_several(word: str) -> bool:
    """Whether a single label looks like a list without commas: "person road sky"."""
    parts = word.split()
    pairs = [" ".join(pair) for pair in pairwise(parts)]
    return (
        len(parts) >= SEVERAL
        and all(part in _listed() for part in parts)
        and not any(phrase in shipped_words() for phrase in (word, *pairs))
    )


def _strange(word: str, text: MiniLM) -> list[str]:
    return [part for part in _parts(word) if not _is_known(part, text)]


def _parts(word: str) -> list[str]:
    """Its runs of letters."""
    return [part for part in re.split(r"[\W\d_]+", _plain(word)) if part]


def _plain(word: str) -> str:
    """As the encoder sees it: without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _is_known(part: str, text: MiniLM) -> bool:
    if any(base in text.ranks or base in _shipped_parts() for base in _bases(part)):
        return True
    cuts = range(SHORTEST, len(part) - SHORTEST + 1)
    return any(
        _is_frequent(part[:cut], text) and any(_is_frequent(base, text) for base in _bases(part[cut:]))
        for cut in cuts
    )


def _is_frequent(part: str, text: MiniLM) -> bool:
    return len(part) >= SHORTEST and (part in _listed() or text.ranks.get(part, FREQUENT) < FREQUENT)


def _bases(part: str) -> list[str]:
    """The part itself, and what it may be a form of."""
    stems = [
        part.removesuffix(ending) + instead
        for ending, instead in ENDINGS
        if part.endswith(ending) and len(part) - len(ending) >= SHORTEST
    ]
    return [part, *stems]


@functools.cache
def _shipped_parts() -> frozenset[str]:
    return frozenset(part for word in shipped_words() for part in _parts(word))


@functools.cache
def _listed() -> frozenset[str]:
    """The single words of the built-in lists."""
    lists = (builtin.class_list(name).labels for name in builtin.NAMES)
    return frozenset(word for labels in lists for label in labels for word in label if word.isalpha())
