"""Which words of one list also occur in another, ignoring spelling variants."""

from __future__ import annotations

from openvss.words.vocabulary import Vocabulary

# Names of the published data sets for the same thing.
ALIASES = {
    "aeroplane": "airplane",
    "motorbike": "motorcycle",
    "minibike": "motorcycle",
    "sofa": "couch",
    "tvmonitor": "tv",
    "television": "tv",
    "shelves": "shelf",
}
NOTHING_SAID = ("other", "stuff")  # "floor-other" is a floor


def known_words(vocabulary: Vocabulary, known: Vocabulary) -> list[bool]:
    """For each label, whether one of its synonyms means the same as a word of `known`."""
    forms = {_form(word) for label in known for word in label.synonyms}
    return [any(_form(word) in forms for word in label.synonyms) for label in vocabulary]


def _form(word: str) -> str:
    """A word without spaces, hyphens and the like."""
    parts = word.lower().replace("-", " ").split()
    while len(parts) > 1 and parts[-1] in NOTHING_SAID:
        parts.pop()
    joined = "".join(parts)
    return ALIASES.get(joined, joined)
