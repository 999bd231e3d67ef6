"""The class lists of published data sets."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from openvss.words import Vocabulary, builtin

# Name, version, number of labels, first and last name, digest of all words. A list is part of every score:
# whoever changes a word raises the version in the file's first line, and here.
LISTS = [
    ("vspw", 1, 124, "wall", "train", "83f7b3b40d9d"),
    ("cityscapes", 1, 19, "road", "bicycle", "5995d02d6c57"),
    ("coco-stuff", 1, 171, "person", "wood", "b396c7fec768"),
    ("ade150", 1, 150, "wall", "flag", "f9dbd8a75a07"),
    ("ade847", 1, 847, "wall", "adding machine", "bb599c8b7bb8"),
    ("pc59", 1, 59, "aeroplane", "wood", "ca6e721ae204"),
    ("pc459", 1, 459, "accordion", "wool", "6498538097f7"),
    ("voc20", 1, 20, "aeroplane", "tv monitor", "7ff19b2035a1"),
    ("camvid", 1, 11, "sky", "bicyclist", "97a8b28971b6"),
    ("coco-stuff-raw", 1, 171, "person", "wood", "8ea44449837d"),
    ("pc59-raw", 1, 59, "aeroplane", "wood", "1c0546d54360"),
    ("pc459-raw", 1, 459, "accordion", "wool", "f22a02ac1b84"),
    ("voc20-raw", 1, 20, "aeroplane", "tvmonitor", "7d877f185c80"),
]
EVERY = (*builtin.NAMES, *builtin.RAW_NAMES)

# Our lists whose words SED and CAT-Seg spell in another way: how many labels, and the file of theirs.
RAW = [("coco-stuff", 31, "coco"), ("pc59", 3, "pc59"), ("pc459", 94, "pc459"), ("voc20", 3, "voc20")]


def digest(vocabulary: Vocabulary) -> str:
    return hashlib.sha256("\n".join(map(str, vocabulary)).encode()).hexdigest()[:12]


def test_every_list_is_checked_here() -> None:
    assert tuple(row[0] for row in LISTS) == EVERY
    assert tuple(f"{name}-raw" for name, _, _ in RAW) == builtin.RAW_NAMES


@pytest.mark.parametrize(("name", "version", "count", "first", "last", "words"), LISTS)
def test_lists_keep_their_words_in_official_order(
    name: str, version: int, count: int, first: str, last: str, words: str
) -> None:
    vocabulary = Vocabulary.parse(name)
    assert (len(vocabulary), vocabulary.names[0], vocabulary.names[-1]) == (count, first, last)
    assert vocabulary.source == f"{name}@{version}"
    assert digest(vocabulary) == words


@pytest.mark.parametrize("name", EVERY)
def test_lists_are_clean_and_say_where_they_come_from(name: str) -> None:
    official = builtin.class_list(name)
    assert len(official.source) > 20
    for synonyms in official.labels:
        assert len(set(synonyms)) == len(synonyms)
        for word in synonyms:
            assert Vocabulary.parse(word).names == (word,)


@pytest.mark.parametrize("name", sorted(set(EVERY) - {"ade847"}))
def test_no_word_means_two_labels(name: str) -> None:
    vocabulary = Vocabulary.parse(name)
    assert Vocabulary.parse(", ".join(map(str, vocabulary))) == vocabulary


def test_ade847_keeps_classes_that_share_a_synonym() -> None:
    vocabulary = Vocabulary.parse("ade847")
    counts = Counter(word for label in vocabulary for word in label.synonyms)
    assert sum(count > 1 for count in counts.values()) == 41
    assert vocabulary.names.count("screen") == 2


@pytest.mark.parametrize(("name", "differ"), [row[:2] for row in RAW])
def test_raw_lists_spell_the_same_classes_in_the_same_order(name: str, differ: int) -> None:
    ours, raw = Vocabulary.parse(name), Vocabulary.parse(f"{name}-raw")
    assert sum(a.synonyms != b.synonyms for a, b in zip(ours, raw, strict=True)) == differ
    assert all(len(label.synonyms) == 1 for label in raw)


def test_raw_words_of_well_known_classes() -> None:
    pairs = [
        ("coco-stuff", "brick wall", "wall-brick"),
        ("coco-stuff", "sky", "sky-other"),
        ("pc59", "dining table", "diningtable"),
        ("pc459", "cassette recorder", "casetterecorder"),
        ("voc20", "tv monitor", "tvmonitor"),
    ]
    for name, ours, raw in pairs:
        assert Vocabulary.parse(f"{name}-raw").names.index(raw) == Vocabulary.parse(name).names.index(ours)


@pytest.mark.parametrize(
    ("name", "file"),
    [("ade150", "ade150"), ("ade847", "ade847"), *((f"{name}-raw", file) for name, _, file in RAW)],
)
def test_lists_of_published_numbers_are_those_of_seds_repository(name: str, file: str) -> None:
    folder = os.environ.get("OPENVSS_CLASS_LISTS")
    if folder is None:
        pytest.skip("$OPENVSS_CLASS_LISTS does not say where the folder datasets of SED's repository is")
    theirs = json.loads((Path(folder) / f"{file}.json").read_text(encoding="utf-8"))
    # Commas part synonyms, as in SED's code. Spaces around a word ("bed ") are nothing to a tokeniser.
    words = [tuple(word.strip() for word in line.split(", ")) for line in theirs]
    assert [label.synonyms for label in Vocabulary.parse(name)] == words


def test_ids_of_well_known_classes() -> None:
    vspw = Vocabulary.parse("vspw")
    assert vspw.labels[7].synonyms == ("handrail", "fence")  # raw label id 8
    assert vspw.labels[75].synonyms == ("cupboard", "showcase", "storage rack")
    assert (vspw.names[79], vspw.names[80]) == ("bag", "trash can")  # last seen, first unseen class
    assert not set(vspw.names[:80]) & set(vspw.names[80:])
    assert Vocabulary.parse("cityscapes").names[13] == "car"
    assert Vocabulary.parse("coco-stuff").names[79:81] == ("toothbrush", "banner")
    assert Vocabulary.parse("ade150").names[12] == "person"
    assert Vocabulary.parse("ade847").labels[11].synonyms[:2] == ("person", "individual")
    assert Vocabulary.parse("voc20").names[14] == "person"


@pytest.mark.parametrize("text", ["VSPW", " vspw ", "Coco-Stuff"])
def test_a_list_is_meant_whatever_the_case(text: str) -> None:
    vocabulary = Vocabulary.parse(text)
    assert vocabulary.source is not None
    assert str(vocabulary) == text.strip().lower()
    assert Vocabulary.parse(str(vocabulary)) == vocabulary


@pytest.mark.parametrize("text", ["vspw124", "ade", "coco stuff", "vspw, road", "vspw | video"])
def test_anything_but_exactly_a_list_is_words(text: str) -> None:
    vocabulary = Vocabulary.parse(text)
    assert vocabulary.source is None
    assert len(vocabulary) <= 2
