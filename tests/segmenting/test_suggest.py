"""Which common words are suggested where the given ones fit badly, and which are proposed for none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

import openvss
from openvss.errors import InputError
from openvss.models.base import FrameFeatures, Fused, Output, VideoModel
from openvss.models.encoders.minilm import MiniLM
from openvss.models.encoders.tiny import TEMPLATES
from openvss.models.words import WordEmbeddings, embed
from openvss.segmenting.segmenter import Segmenter
from openvss.segmenting.suggest import Suggester, Suggestion, propose, sentence
from openvss.words.vocabulary import Vocabulary
from tests.models.closed import Closed

SEEN = "dog, grass, road, pavement, wall-brick, skyscraper, building, water"


class Painted(VideoModel):
    """Sees in each grey value one of the words of `SEEN`, perfectly."""

    templates = TEMPLATES
    size = 32

    def __init__(self) -> None:
        super().__init__()
        self.text = MiniLM()
        self.scored = 0
        vectors = embed(Vocabulary.parse(SEEN), self.text, TEMPLATES).embeddings[:, 0]
        self.vectors = torch.nn.Parameter(vectors, requires_grad=False)

    def encode(self, frames: Tensor) -> FrameFeatures:
        return {"dense": self.vectors[(frames[:, 0] * 255 / 10).round().long()].permute(0, 3, 1, 2)}

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        self.scored += 1
        return Output(20 * torch.einsum("bdhw,nd->bnhw", fused["dense"], words.embeddings[:, 0]))


def picture(**shares: int) -> npt.NDArray[np.uint8]:
    """32 columns, so many of each word."""
    names = Vocabulary.parse(SEEN).names
    columns = [10 * names.index(name) for name, n in shares.items() for _ in range(n)]
    assert len(columns) == 32
    return np.broadcast_to(np.array(columns, np.uint8)[None, :, None], (32, 32, 3)).copy()


def look(words: str, *frames: npt.NDArray[np.uint8], **settings: bool | float) -> dict[str, float]:
    segmenter = Segmenter(Painted(), words, device="cpu", **settings)  # type: ignore[arg-type]
    suggester = Suggester(segmenter, len(frames))
    for frame in frames:
        suggester.look(segmenter.step(frame))
    return {one.word: one.share for one in suggester.suggestions()}


def test_what_everything_else_is_is_suggested() -> None:
    half = picture(dog=16, grass=16)
    assert look("dog", half) == {"grass": 0.5}
    assert look("dog", half, picture(dog=32)) == {"grass": 0.25}
    assert look("dog, grass", half, others=True) == {}
    assert look("dog", picture(dog=30, grass=2)) == {}  # less than a tenth


def test_without_everything_else_where_labels_are_uncertain_or_missing() -> None:
    half = picture(dog=16, road=16)
    assert look("dog, sofa, tree", half, others=False) == {"road": 0.5}
    assert look("dog, pavement", half, others=False) == {}
    assert look("dog, grass", half, unlabelled_below=0.99, others=False) == {"road": 0.5}


def test_words_that_mean_the_same_are_one() -> None:
    found = look("dog", picture(dog=8, road=14, pavement=10))
    assert found == {"road": 0.75}
    # of a group the most usual word speaks, if it is seen at all
    assert look("dog", picture(dog=8, skyscraper=14, building=10)) == {"building": 0.75}
    assert look("dog", picture(dog=8, skyscraper=24)) == {"skyscraper": 0.75}


def test_few_frames_are_looked_at() -> None:
    model = Painted()
    segmenter = Segmenter(model, "dog", device="cpu")
    for n_frames, most in ((100, 9), (None, 36)):
        segmenter.reset()
        suggester, model.scored = Suggester(segmenter, n_frames), 0
        for _ in range(100):
            suggester.look(segmenter.step(picture(dog=16, grass=16)))
        assert 3 <= model.scored - 100 <= most
        assert suggester.suggestions() == (Suggestion("grass", 0.5),)


def test_nothing_of_closed_sets_nor_without_frames() -> None:
    segmenter = Segmenter(Closed("road, sky, tree"), "road, sky", others=True, device="cpu")
    suggester = Suggester(segmenter, 1)
    suggester.look(segmenter.step(picture(dog=16, grass=16)))
    assert suggester.suggestions() == ()
    with pytest.raises(InputError, match="leave WORDS out"):
        propose(segmenter, openvss.open_source([picture(dog=32)]))
    assert look("dog") == {}


def test_a_sentence() -> None:
    one, two, three = Suggestion("path", 0.3), Suggestion("wall", 0.08), Suggestion("sky", 0.1)
    assert sentence([one]) == "30 % of the picture may be path: add a word?"
    assert sentence([one, two, three]) == "48 % of the picture may be path, wall or sky: add a word?"


def test_words_are_proposed() -> None:
    video = [picture(dog=8, road=10, pavement=6, grass=8), picture(dog=8, road=16, water=8)]
    words = propose(Segmenter(Painted(), device="cpu"), openvss.open_source(video))
    assert words.names[0] == "road"
    assert {"road", "dog", "grass"} <= set(words.names)
    assert len(words) == 4  # and one for water
    words = propose(Segmenter(Painted(), device="cpu"), openvss.open_source([picture(skyscraper=32)]))
    assert words.names == ("building",)  # few lists have skyscrapers


def test_a_run_with_proposed_words_is_the_run_with_these_words(tmp_path: Path) -> None:
    video = [np.random.default_rng(i).integers(0, 256, (48, 64, 3), np.uint8) for i in range(3)]
    one = openvss.segment(video, "auto", out=tmp_path / "one", formats=["png"], size=32, device="cpu")
    text = json.loads((one.out / "run.json").read_text())["words"]
    assert 1 <= len(text.split(",")) <= 12
    two = openvss.segment(video, text, out=tmp_path / "two", formats=["png"], size=32, device="cpu")
    files = [sorted(p for p in r.out.rglob("*") if p.is_file()) for r in (one, two)]
    assert [p.read_bytes() for p in files[0]] == [p.read_bytes() for p in files[1]]
