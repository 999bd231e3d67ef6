"""Training of the bundled model, on made-up pictures."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from openvss.errors import InputError
from openvss.models.tiny import TEMPERATURE
from openvss.training import tiny
from openvss.training.tiny_data import IGNORE, NONE_OF_VOC, read_pictures, read_words, view
from openvss.weights.lite0 import fold, imagenet_checkpoint
from tests.models.two_frame import LetterText

VOC = ["background", "aeroplane", "cat", "dog", "pottedplant"]
COCO = ["sky", "grass", "dog", "road"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two folders of flat-coloured pictures whose left half has the label."""
    rng = np.random.default_rng(0)
    for name, classes in (("voc", VOC), ("coco", COCO)):
        root = tmp_path / name
        (root / "images").mkdir(parents=True)
        (root / "labels").mkdir()
        (root / "classes.txt").write_text("".join(f"{i} {c}\n" for i, c in enumerate(classes)))
        (root / "held_out.txt").write_text("p0\n")
        for i in range(6):
            number = i % len(classes)
            pixels = rng.integers(0, 30, (48, 64, 3)) + 40 * number
            ids = np.full((48, 64), 255, np.uint8)
            ids[:, :32] = number
            Image.fromarray(pixels.astype(np.uint8)).save(root / "images" / f"p{i}.jpg")
            Image.fromarray(ids).save(root / "labels" / f"p{i}.png")
    return tmp_path


def test_held_out_pictures_are_kept_out(data: Path) -> None:
    words = read_words("tiny_words.txt")
    kept = read_pictures(data / "voc", words)
    assert sorted(p.image.stem for p in kept) == ["p1", "p2", "p3", "p4", "p5"]
    assert [p.image.stem for p in read_pictures(data / "voc", words, held_out=True)] == ["p0"]


def test_data_sets_share_one_vocabulary(data: Path) -> None:
    words = read_words("tiny_words.txt")
    names = [synonyms[0] for synonyms in words]
    voc, coco = (read_pictures(data / name, words)[0].table for name in ("voc", "coco"))
    assert [names[i] for i in voc[1:5]] == ["airplane", "cat", "dog", "potted plant"]
    assert voc[0] == NONE_OF_VOC
    assert voc[3] == coco[2]
    assert voc[200] == IGNORE


def test_no_classes_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no classes\.txt"):
        read_pictures(tmp_path, read_words("tiny_words.txt"))


def test_lists_have_no_duplicates() -> None:
    words = read_words("tiny_words.txt")
    phrases = [phrase for synonyms in words for phrase in synonyms]
    assert len(set(phrases)) == len(phrases)
    assert len(read_words("imagenet1k.txt")) == 1000


def test_views_keep_pixels_and_labels_together(data: Path) -> None:
    """The labelled half stays the labelled half; outside the picture nothing is labelled."""
    words = read_words("tiny_words.txt")
    picture = read_pictures(data / "voc", words)[0]
    rng = random.Random(0)
    for _ in range(20):
        pixels, ids = view(picture, 32, rng)
        assert pixels.shape == (3, 32, 32)
        assert ids.shape == (32, 32)
        assert pixels.min() >= 0
        assert set(ids.flatten().tolist()) <= {int(picture.table[1]), IGNORE}
    again = [view(picture, 32, random.Random(5)) for _ in range(2)]
    assert torch.equal(again[0][0], again[1][0])
    assert torch.equal(again[0][1], again[1][1])


def test_word_loss_spelt_out() -> None:
    words = read_words("tiny_words.txt")
    names = [synonyms[0] for synonyms in words]
    table, plant = names.index("dining table"), names.index("table")
    voc_ids = [names.index(n) for n in ("cat", "dog", "dining table")]
    generator = torch.Generator().manual_seed(0)
    dense = F.normalize(torch.randn(2, 8, 3, 4, generator=generator), dim=1)
    vectors = F.normalize(torch.randn(len(words), 8, generator=generator), dim=1)
    labels = torch.tensor([[table, NONE_OF_VOC, IGNORE], [table, names.index("sky"), table]])
    labels = labels.repeat_interleave(4, 0).view(2, 4, 3).transpose(1, 2)
    got = tiny.WordLoss(words, voc_ids)(dense, labels, torch.tensor([True, False]), vectors)
    named: list[tuple[int, float]] = []
    none, pixels = 0.0, 0
    for b in range(2):
        for y in range(3):
            for x in range(4):
                label = int(labels[b, y, x])
                if label == IGNORE:
                    continue
                pixels += 1
                scores = (vectors @ dense[b, :, y, x] / TEMPERATURE).double()
                if label == NONE_OF_VOC:
                    others = [i for i in range(len(words)) if i not in voc_ids]
                    none += float(scores.logsumexp(0) - scores[others].logsumexp(0))
                    continue
                if b == 0 and label == table:
                    scores[plant] = -1e4
                named.append((label, float(scores.logsumexp(0) - scores[label])))
    counts = {label: sum(1 for other, _ in named if other == label) for label, _ in named}
    weights = [counts[label] ** -0.5 for label, _ in named]
    mean = sum(weights) / len(weights)
    total = sum(w / mean * value for w, (_, value) in zip(weights, named, strict=True)) + none
    assert got.item() == pytest.approx(total / pixels, rel=1e-4)


def test_training_repeats_exactly_and_freezes_what_it_says(data: Path) -> None:
    settings = tiny.Settings(steps=4, batch=4, crop=64, warmup=2)
    first, second = (tiny.train(data / "voc", data / "coco", settings, LetterText()) for _ in range(2))
    for (name, a), b in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    fresh = fold(imagenet_checkpoint())
    trained = first.image.backbone.state_dict()
    assert torch.equal(trained["blocks.2.project.weight"], fresh["blocks.2.project.weight"])
    assert not torch.equal(trained["blocks.12.project.weight"], fresh["blocks.12.project.weight"])
