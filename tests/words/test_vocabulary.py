"""Words as users type them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from openvss.errors import InputError
from openvss.words import Label, Vocabulary


def synonyms(text: str) -> list[tuple[str, ...]]:
    return [label.synonyms for label in Vocabulary.parse(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("road", [("road",)]),
        ("person | pedestrian, road, sky", [("person", "pedestrian"), ("road",), ("sky",)]),
        ("a|b|c,d", [("a", "b", "c"), ("d",)]),
        ("  traffic   light ,\tstop\tsign ", [("traffic light",), ("stop sign",)]),
        ("TV, Ferris Wheel", [("tv",), ("ferris wheel",)]),
        ("Straße, Fahrrad", [("straße",), ("fahrrad",)]),
        ("cafe\u0301", [("café",)]),
        ("道路, 空", [("道路",), ("空",)]),
        ("traffic\u00a0light", [("traffic light",)]),
        ("t-shirt, #1, lord's table, {}", [("t-shirt",), ("#1",), ("lord's table",), ("{}",)]),
        ("person,\nroad", [("person",), ("road",)]),
        ("x" * 80, [("x" * 80,)]),
    ],
)
def test_commas_separate_labels_and_bars_synonyms(text: str, expected: list[tuple[str, ...]]) -> None:
    assert synonyms(text) == expected


def test_a_label_is_named_after_its_first_synonym() -> None:
    vocabulary = Vocabulary.parse("person | pedestrian, road")
    assert vocabulary.labels == (Label("person", ("person", "pedestrian")), Label("road", ("road",)))
    assert vocabulary.names == ("person", "road")
    assert len(vocabulary) == 2
    assert list(vocabulary) == list(vocabulary.labels)
    assert vocabulary.source is None


@pytest.mark.parametrize(
    ("text", "names_the_word"),
    [
        ("", "No words"),
        (" \t ", "No words"),
        ("a,,b", "Label 2 of 'a,,b' is empty"),
        ("a,b,", "Label 3 of 'a,b,' is empty"),
        (",a", "Label 1 of ',a' is empty"),
        (",", "Label 1"),
        ("a, b||c", "A synonym of 'b||c' is empty"),
        ("a |", "A synonym of 'a |' is empty"),
        ("|", "A synonym of '|' is empty"),
        ("car, road, Car", "'car' is given twice"),
        ("car | CAR", "'car' is given twice"),
        ("car, vehicle | car", "'car' is given twice"),
        ("traffic light, traffic  light", "'traffic light' is given twice"),
        ("straße, STRASSE", "'strasse' is given twice"),
        ("cafe\u0301, caf\u00e9", "'café' is given twice"),
        ("road, " + "x" * 81, "has 81 characters"),
        ("road, sk\x07y", r"'sk\\x07y' contains"),
        ("zero\u200bwidth", r"'zero\\u200bwidth' contains"),
        ("person\nroad", r"'person\\nroad' contains a line break"),
        ("road, @words.txt", "'@words.txt' starts with @"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(text: str, names_the_word: str) -> None:
    with pytest.raises(InputError, match=names_the_word.replace("|", r"\|")):
        Vocabulary.parse(text)


@pytest.mark.parametrize("words", ["person | pedestrian, Traffic  Light", "cityscapes"])
def test_words_in_any_form_give_one_vocabulary(words: str) -> None:
    vocabulary = Vocabulary.parse(words)
    assert Vocabulary.of(words) == vocabulary
    assert Vocabulary.of(vocabulary) is vocabulary
    assert Vocabulary.of([str(label) for label in vocabulary]) == vocabulary
    assert Vocabulary.of(tuple(str(label) for label in vocabulary)) == vocabulary


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "No words were given"),
        (["dog", " "], "Label 2 of the list is empty: remove it"),
        (["dog, cat", "sky"], "'dog, cat' holds a comma: give each label as an element of its own"),
        (["car", "vehicle | CAR"], "'car' is given twice"),
        (["a ||b"], r"A synonym of 'a \|\|b' is empty"),
        (["@words.txt"], "'@words.txt' starts with @"),
        (["VSPW"], "'VSPW' is a built-in list: give its name as it is, not inside a list"),
        (["dog", 3], r"Words are a string.*, a list of strings or a Vocabulary, not \['dog', 3\]"),
        ([["dog", "hound"]], "Words are a string"),
        (b"dog", "Words are a string"),
        ({"dog", "cat"}, "Words are a string"),
        (None, "not None"),
        (range(10**9), "Words are a string"),
    ],
)
def test_lists_that_cannot_be_meant_are_refused(words: object, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        Vocabulary.of(words)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200


def test_the_name_of_a_built_in_list_beside_other_words_is_a_word() -> None:
    assert Vocabulary.of(["vspw", "dog"]).names == ("vspw", "dog")


def test_long_texts_are_quoted_in_part() -> None:
    with pytest.raises(InputError) as caught:
        Vocabulary.parse("word" * 1000)
    assert len(str(caught.value)) < 200


def test_more_labels_than_a_mask_can_hold_are_refused() -> None:
    with pytest.raises(InputError, match="65536 labels are too many"):
        Vocabulary.parse(",".join(map(str, range(65_536))))


@given(st.text(max_size=40))
def test_a_printed_vocabulary_parses_to_itself(text: str) -> None:
    try:
        vocabulary = Vocabulary.parse(text)
    except InputError:
        return
    assert Vocabulary.parse(str(vocabulary)) == vocabulary


WORD = st.text("abcdeéßİΣ '-", min_size=1, max_size=12).filter(str.strip)


@given(st.lists(st.lists(WORD, min_size=1, max_size=3), min_size=1, max_size=5))
def test_a_printed_vocabulary_with_synonyms_parses_to_itself(labels: list[list[str]]) -> None:
    try:
        vocabulary = Vocabulary.parse(" , ".join("|".join(words) for words in labels))
    except InputError:  # the same word twice
        reject()
    assert [len(label.synonyms) for label in vocabulary] == [len(words) for words in labels]
    assert Vocabulary.parse(str(vocabulary)) == vocabulary


def test_a_file_holds_one_label_a_line(tmp_path: Path) -> None:
    file = tmp_path / "my words.txt"
    file.write_bytes("\ufeff# mine\r\nPerson | Pedestrian\r\n\r\n  road \r\n".encode())
    vocabulary = Vocabulary.parse(f" @{file} ")
    assert vocabulary == Vocabulary.parse("person | pedestrian, road")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no words"),
        (b"# only a comment\n", "holds no words"),
        (b"person, individual\nroad\n", "'person, individual' holds a comma"),
        (b"road\nRoad\n", "In '.*': The word 'road' is given twice"),
        (b"road\n|\n", "A synonym of '|' is empty"),
        (b"stra\xdfe\n", "not a UTF-8 text file"),
        (b"road\n" * 4_100_000, "has more than 20 MB"),
    ],
)
def test_a_bad_file_of_words_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(InputError, match=says.replace("|", r"\|")):
        Vocabulary.parse(f"@{tmp_path / 'w'}")


@pytest.mark.parametrize("text", ["@", "@nowhere.txt", "@nowhere.txt, road", "@nul\0l"])
def test_a_file_that_cannot_be_read_is_named(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="Cannot read the words in"):
        Vocabulary.parse(text)


def test_the_words_need_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from openvss.words import Vocabulary; import openvss.words.templates;"
        "Vocabulary.parse('ade847'); assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
