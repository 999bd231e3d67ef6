"""What the user types as labels with synonyms: `"person | pedestrian, road, sky"`."""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openvss.errors import InputError
from openvss.storage.reading import read_text
from openvss.words import builtin

MAX_WORD_LENGTH = 80
MAX_FILE = 20_000_000  # bytes of a file of words
MAX_LABELS = 65_535  # ids are at most 16 bits wide, and one of them means "unlabelled"
NO_WORDS = 'No words were given: name at least one, for example "person, road, sky".'


@dataclass(frozen=True)
class Label:
    """One class of pixels.

    Attributes:
        name: What is displayed: the first synonym.
        synonyms: All words that mean this label, in lower case.
    """

    name: str
    synonyms: tuple[str, ...]

    def __str__(self) -> str:
        return " | ".join(self.synonyms)


@dataclass(frozen=True)
class Vocabulary:
    """The labels a pixel may get; their ids are their positions.

    Attributes:
        labels: In id order.
        source: `name@version` of the built-in list they are, None for words of the user's own; makes no
            difference to equality.

    Example:
        >>> import openvss
        >>> vocabulary = openvss.Vocabulary.parse("person | pedestrian, road, sky")
        >>> vocabulary.names
        ('person', 'road', 'sky')
        >>> vocabulary.labels[0].synonyms
        ('person', 'pedestrian')
        >>> len(openvss.Vocabulary.parse("cityscapes"))
        19
        >>> openvss.Vocabulary.of(["person | pedestrian", "road", "sky"]) == vocabulary
        True
    """

    labels: tuple[Label, ...]
    source: str | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, text: str) -> Vocabulary:
        """Read words, the name of a built-in list, or a file of words.

        Commas separate labels and bars separate synonyms. Letter case and extra spaces make no difference;
        words are kept in lower case. No word may be given twice, so that each belongs to one label.

        If the whole text is the name of a built-in list (`openvss.words.builtin.NAMES` or `RAW_NAMES`), it
        stands for that list, exactly as the data set orders it; there two labels may share a synonym.
        Anything else, however similar, is a word.

        If it starts with `@`, the rest is the path of a text file with one label a line, bars between
        synonyms; empty lines and lines that start with `#` are skipped.
        """
        text = text.strip()
        if text.startswith("@"):
            return _from_file(text[1:].strip())
        if text.lower() in (*builtin.NAMES, *builtin.RAW_NAMES):
            return _from_list(text.lower())
        if not text:
            raise InputError(NO_WORDS)
        labels = text.split(",")
        for number, label in enumerate(labels, 1):
            if not label.strip():
                raise InputError(f"Label {number} of {_quote(text)} is empty: remove the extra comma.")
        return cls(_distinct(map(_label, labels)))

    @classmethod
    def of(cls, words: Words) -> Vocabulary:
        """Words in any form that a caller may give them: text for `parse`, a list, or a vocabulary.

        Each element of a list is one label, which may have synonyms: `["person | pedestrian", "road"]`.
        """
        if isinstance(words, Vocabulary):
            return words
        if isinstance(words, str):
            return cls.parse(words)
        if not isinstance(words, Sequence) or not all(isinstance(label, str) for label in words):
            raise InputError(
                'Words are a string, such as "person, road, sky", a list of strings or a Vocabulary, '
                f"not {reprlib.repr(words)}."
            )
        if not words:
            raise InputError(NO_WORDS)
        if len(words) == 1 and words[0].strip().lower() in (*builtin.NAMES, *builtin.RAW_NAMES):
            raise InputError(f"{words[0]!r} is a built-in list: give its name as it is, not inside a list.")
        for number, label in enumerate(words, 1):
            if not label.strip():
                raise InputError(f"Label {number} of the list is empty: remove it.")
            if "," in label:
                raise InputError(
                    f"The label {_quote(label)} holds a comma: give each label as an element of its own."
                )
        return cls(_distinct(map(_label, words)))

    @property
    def names(self) -> tuple[str, ...]:
        """The display name of each label, in id order."""
        return tuple(label.name for label in self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)

    def __str__(self) -> str:
        """Text that `parse` turns into an equal vocabulary."""
        if self.source is not None:
            return self.source.partition("@")[0]
        return ", ".join(map(str, self.labels))


Words = str | Sequence[str] | Vocabulary
"""What `Vocabulary.of` takes."""


def _from_list(name: str) -> Vocabulary:
    official = builtin.class_list(name)
    labels = tuple(Label(synonyms[0], synonyms) for synonyms in official.labels)
    return Vocabulary(labels, source=f"{name}@{official.version}")


def _from_file(path: str) -> Vocabulary:
    try:
        text = read_text(Path(path).expanduser(), MAX_FILE)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a UTF-8 text file"
        raise InputError(
            f"Cannot read the words in {_quote(path)} ({reason}): name a text file after @."
        ) from error
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
    if not lines:
        raise InputError(f"The file {_quote(path)} holds no words: put one label on each line.")
    try:
        return Vocabulary(_distinct(map(_label, lines)))
    except InputError as error:
        raise InputError(f"In {_quote(path)}: {error}") from error


def _label(text: str) -> Label:
    synonyms = tuple(_word(part, text.strip()) for part in text.split("|"))
    return Label(synonyms[0], synonyms)


def _word(text: str, label: str) -> str:
    """The clean form of one word of a label, in which it is compared, displayed and encoded."""
    text = text.strip()
    if not text:
        raise InputError(f"A synonym of {_quote(label)} is empty: remove the extra bar.")
    if not all(c.isprintable() or c == "\t" or unicodedata.category(c) == "Zs" for c in text):
        raise InputError(
            f"The word {_quote(text)} contains a line break or an invisible character: "
            "remove it, and put commas between labels."
        )
    if "," in text:
        raise InputError(f"The line {_quote(label)} holds a comma: put one label on a line.")
    if text.startswith("@"):
        raise InputError(f"The word {_quote(text)} starts with @: a file of words must be given alone.")
    word = " ".join(unicodedata.normalize("NFC", text.lower()).split())
    if word == "unlabelled":
        raise InputError(
            "'unlabelled' is the name for pixels without a word: leave it out, and see --unlabelled-below."
        )
    if len(word) > MAX_WORD_LENGTH:
        raise InputError(
            f"The word {_quote(word)} has {len(word)} characters: shorten it to {MAX_WORD_LENGTH}, "
            "or put commas between labels."
        )
    return word


def _distinct(labels: Iterable[Label]) -> tuple[Label, ...]:
    """The same labels, after checking that no word means two of them."""
    labels = tuple(labels)
    seen: set[str] = set()
    for word in (word for label in labels for word in label.synonyms):
        key = unicodedata.normalize("NFC", word.casefold())
        if key in seen:
            raise InputError(f"The word {_quote(word)} is given twice: keep one of them.")
        seen.add(key)
    if len(labels) > MAX_LABELS:
        raise InputError(f"{len(labels)} labels are too many: give at most {MAX_LABELS}.")
    return labels


def _quote(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
