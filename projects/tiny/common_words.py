"""Embed the words that ship with `tiny`: `python -m projects.tiny.common_words`.

They are those of the built-in lists (not of the raw ones) and those that `tiny` learns from, with their
synonyms, and ImageNet's.
"""

from __future__ import annotations

import shutil

from openvss.models.encoders.minilm import MiniLM
from openvss.models.encoders.tiny import TEMPLATES
from openvss.models.words import embed
from openvss.weights.bundled import FOLDER
from openvss.words.builtin import NAMES, class_list
from openvss.words.vocabulary import Label, Vocabulary
from projects.tiny.data import read_kinds, read_words


def common_words() -> list[str]:
    """In alphabetical order."""
    lists = [labels for name in NAMES for labels in class_list(name).labels]
    lists += [*read_words("words.txt"), *read_words("imagenet1k.txt"), tuple(read_kinds())]
    return sorted({word.lower() for synonyms in lists for word in synonyms})  # as a vocabulary keeps them


def main() -> None:
    """Write them as a shelf of the cache, to where embeddings that ship are looked for."""
    shutil.rmtree(FOLDER / "words", ignore_errors=True)  # what is there would be taken over
    vocabulary = Vocabulary(tuple(Label(word, (word,)) for word in common_words()))
    embed(vocabulary, MiniLM(), TEMPLATES, FOLDER)
    print(*(FOLDER / "words").iterdir())  # an error if they could not be written


if __name__ == "__main__":
    main()
