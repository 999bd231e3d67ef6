"""Which hidden words speak for everything else, and how strongly."""

import pytest
import torch

from openvss.models.encoders.minilm import MiniLM
from openvss.models.encoders.tiny import TEMPLATES
from openvss.models.rest import prepare
from openvss.models.tiny.model import Tiny
from openvss.models.words import embed
from openvss.words import Vocabulary
from openvss.words.builtin import class_list
from tests.models.closed import Closed
from tests.models.two_frame import TwoFrame


@pytest.fixture(scope="module")
def model() -> Tiny:
    torch.manual_seed(0)
    return Tiny()


def handicaps(model: Tiny, words: str) -> dict[str, float]:
    vocabulary = Vocabulary.parse(f"{words}, everything else")
    rest = prepare(model, vocabulary, len(vocabulary) - 1)
    assert rest.words.names[: len(vocabulary) - 1] == vocabulary.names[:-1]
    return dict(zip(rest.words.names[len(vocabulary) - 1 :], rest.handicaps.tolist(), strict=True))


def cosine(one: str, two: str) -> float:
    vectors = embed(Vocabulary.parse(f"{one}, {two}"), MiniLM(), TEMPLATES).embeddings[:, 0]
    return float(vectors[0] @ vectors[1])


def test_all_common_words_but_those_that_mean_the_same(model: Tiny) -> None:
    common = {label[0] for name in ("ade150", "coco-stuff") for label in class_list(name).labels}
    assert len(common) == 263
    left_out = common - set(handicaps(model, "dog"))
    assert left_out == {"dog", "animal", "hot dog"}  # cosines of 0.75 and more
    assert common - set(handicaps(model, "puppy")) == {"dog"}
    # said to be one label by a list, although nothing in the phrases tells
    assert cosine("trash can", "ashcan") < 0.35
    assert "ashcan" not in handicaps(model, "tree, litter | trash can")


def test_close_words_must_be_the_likelier(model: Tiny) -> None:
    dog = handicaps(model, "dog")
    assert dog["cat"] == pytest.approx(10 * (cosine("dog", "cat") - 0.35), abs=1e-4)
    assert dog["cat"] > 2
    assert dog["sky"] == 0  # not close
    both = handicaps(model, "dog, sofa")
    assert both["cat"] == pytest.approx(dog["cat"], abs=1e-4)
    sofa = handicaps(model, "sofa")
    assert both == pytest.approx({word: max(dog[word], sofa[word]) for word in both}, abs=1e-4)
    assert handicaps(model, "whippet | dog")["cat"] == pytest.approx(
        dog["cat"], abs=1e-4
    )  # all synonyms count


def test_what_a_list_holds_apart_is_neither_a_kind_nor_a_part(model: Tiny) -> None:
    car = handicaps(model, "car")
    assert car["road"] == pytest.approx(cosine("car", "road") - 0.35, abs=1e-4)
    assert cosine("pavement", "road") > 0.75  # and yet not left out
    assert handicaps(model, "pavement")["road"] == pytest.approx(cosine("pavement", "road") - 0.35, abs=1e-4)


def test_the_best_hidden_word_speaks_for_the_rest(model: Tiny) -> None:
    vocabulary = Vocabulary.parse("dog, background, sofa")
    rest = prepare(model, vocabulary, 1)
    assert rest.words.names[:2] == ("dog", "sofa")
    logits = torch.randn(len(rest.words.names), 2, 3)
    joined = rest.join(logits)
    assert joined.shape == (3, 2, 3)
    assert torch.equal(joined[0], logits[0])
    assert torch.equal(joined[2], logits[1])
    expected = (logits[2:] - rest.handicaps[:, None, None]).max(0).values
    assert torch.equal(joined[1], expected)


def test_closed_sets_have_their_other_words() -> None:
    model = Closed("road, sky | heaven, car")
    rest = prepare(model, Vocabulary.parse("rest, heaven"), 0)
    assert rest.words.names == ("heaven", "road", "car")
    assert rest.handicaps.tolist() == [0, 0]
    logits = torch.randn(3, 2, 2)
    assert torch.equal(rest.join(logits)[0], logits[1:].amax(0))


def test_with_all_words_of_a_closed_set_nothing_is_left() -> None:
    model = Closed("road, sky | heaven, car")
    rest = prepare(model, Vocabulary.parse("road, sky, car, rest"), 3)
    joined = rest.join(torch.randn(3, 2, 2))
    assert (joined.argmax(0) < 3).all()
    assert torch.isfinite(joined).all()


def test_models_with_other_text_are_served_too() -> None:
    rest = prepare(TwoFrame(), Vocabulary.parse("dog, others"), 1)
    assert "cat" in rest.words.names
    assert len(rest.words.embeddings) == len(rest.words.names) == len(rest.handicaps) + 1
