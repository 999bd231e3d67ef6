import pytest

from openvss.words.overlap import known_words
from openvss.words.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("name", "seen"), [("ade150", 60), ("ade847", 112), ("pc59", 52), ("pc459", 93), ("voc20", 20)]
)
def test_words_of_the_benchmarks_that_coco_stuff_has(name: str, seen: int) -> None:
    assert sum(known_words(Vocabulary.parse(name), Vocabulary.parse("coco-stuff"))) == seen


def test_spelling_makes_no_difference() -> None:
    words = Vocabulary.parse("Air-Plane, floor other, trafficlight, sofa | settee, wing")
    known = Vocabulary.parse("aeroplane, floor, traffic light, couch")
    assert known_words(words, known) == [True, True, True, True, False]


def test_other_alone_is_a_word() -> None:
    assert known_words(Vocabulary.parse("other, stuff"), Vocabulary.parse("floor")) == [False, False]
