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
from openvss.training import tiny, tiny_views
from openvss.training.tiny_backgrounds import label_backgrounds
from openvss.training.tiny_cache import fill
from openvss.training.tiny_data import IGNORE, NONE_OF_VOC, read_pictures, read_scenes, read_words
from openvss.training.tiny_views import Views
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


def test_words_that_are_left_out_are_ignored(data: Path) -> None:
    words = read_words("tiny_words.txt", ("dog", "sky"))
    names = [synonyms[0] for synonyms in words]
    assert not {"dog", "sky"} & set(names)
    voc, coco = (read_pictures(data / name, words)[0].table for name in ("voc", "coco"))
    assert [voc[3], coco[0], coco[2]] == [IGNORE] * 3
    assert names[voc[2]] == "cat"
    with pytest.raises(InputError, match="no word 'dgo'"):
        read_words("tiny_words.txt", ("dgo",))
    settings = tiny.Settings(
        views=4, size=64, steps=(1, 1), batch=2, warmup=1, without=("dog", "dining table")
    )
    tiny.train(data / "voc", data / "coco", data / "work", settings, LetterText())


def test_no_classes_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no classes\.txt"):
        read_pictures(tmp_path, read_words("tiny_words.txt"))


def test_lists_have_no_duplicates() -> None:
    words = read_words("tiny_words.txt")
    phrases = [phrase for synonyms in words for phrase in synonyms]
    assert len(set(phrases)) == len(phrases)
    assert len(read_words("imagenet1k.txt")) == 1000


def test_scenes_name_training_words() -> None:
    words = read_words("tiny_words.txt")
    scenes = read_scenes(words)
    assert len(scenes) > 100
    assert all(0 <= i < len(words) for listed in scenes.values() for i in listed)


def views_of(data: Path, size: int = 64, backgrounds: dict[str, np.ndarray] | None = None) -> Views:
    words = read_words("tiny_words.txt")
    pictures = {name: read_pictures(data / name, words) for name in ("voc", "coco")}
    return Views(pictures, [synonyms[0] for synonyms in words], size, backgrounds)


def test_views_keep_pixels_and_labels_together(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pixel that carries a class has its class's colour; views repeat with their seed."""
    monkeypatch.setattr(tiny_views, "relight", lambda pixels, rng: pixels)
    monkeypatch.setattr(tiny_views, "SHARE_PASTED", 0.0)
    views = views_of(data)
    names = [synonyms[0] for synonyms in read_words("tiny_words.txt")]
    colour = {names.index(n): 40 * i + 15 for i, n in enumerate(["sky", "grass", "dog", "road"])}
    colour |= {names.index(n): 40 * i + 15 for i, n in [(1, "airplane"), (2, "cat"), (4, "potted plant")]}
    dog = names.index("dog")
    rng = random.Random(0)
    seen = set()
    for _ in range(30):
        pixels, ids = views.draw(rng)
        assert pixels.shape == (64, 64, 3)
        for kind in set(ids.flatten().tolist()) - {IGNORE, NONE_OF_VOC}:
            seen.add(kind)
            mean = 255 * pixels[ids == kind].mean()
            expected = [colour[kind]] if kind != dog else [2 * 40 + 15, 3 * 40 + 15]
            assert min(expected) - 12 < mean < max(expected) + 12
    assert len(seen) > 4
    first, second = (views.draw(random.Random(5)) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


def test_pasted_objects_bring_their_label(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny_views, "SMALLEST", 10)
    monkeypatch.setattr(tiny_views, "SHARE_PASTED", 1.0)
    monkeypatch.setattr(tiny_views, "SHARE_OF_COCO", 1.0)
    views = views_of(data)
    names = [synonyms[0] for synonyms in read_words("tiny_words.txt")]
    plane, plant = names.index("airplane"), names.index("potted plant")
    rng = random.Random(0)
    drawn = [set(views.draw(rng)[1].flatten().tolist()) for _ in range(20)]
    assert views.kinds == sorted([plane, plant])  # cats and dogs are not pasted
    assert sum(bool({plane, plant} & ids) for ids in drawn) > 15


def test_known_backgrounds_replace_only_what_was_unnamed(data: Path) -> None:
    words = read_words("tiny_words.txt")
    names = [synonyms[0] for synonyms in words]
    sky = names.index("sky")
    behind = {"p5": np.full((48, 64), sky, np.uint8)}
    views = views_of(data, backgrounds=behind)
    background = next(p for p in views.pictures["voc"] if p.image.stem == "p5")  # class 0: background
    assert set(np.unique(views._ids(background))) == {sky, IGNORE}
    other = next(p for p in views.pictures["voc"] if p.image.stem == "p1")
    assert np.array_equal(views._ids(other), other.ids())


def test_backgrounds_are_chosen_among_the_listed_words(data: Path) -> None:
    words = read_words("tiny_words.txt")
    names = [synonyms[0] for synonyms in words]
    model = tiny.start(LetterText()).eval()
    table = tiny.WordTable(words, LetterText()).means
    other = torch.ones(len(words), dtype=torch.bool)
    listed = [names.index("sky"), names.index("grass")]
    pictures = read_pictures(data / "voc", words)[:2]
    ids = label_backgrounds(model, pictures, table, other, {"p1": listed})
    assert set(np.unique(ids["p1"])) <= {*listed, NONE_OF_VOC}
    assert ids["p2"].shape == (48, 64)


def test_the_cache_holds_what_the_backbone_sees(data: Path, tmp_path: Path) -> None:
    backbone = tiny.start(LetterText()).image.backbone.eval()
    cache = fill(tmp_path / "cache", views_of(data), backbone, 3, seed=4)
    maps, ids = cache.rows([2, 0])
    rng = random.Random(4)
    drawn = [views_of(data).draw(rng) for _ in range(1)]
    with torch.no_grad():
        expected = backbone(torch.from_numpy(drawn[0][0]).permute(2, 0, 1)[None])
    for got, want in zip(maps, expected, strict=True):
        torch.testing.assert_close(got[1], want[0], rtol=2e-2, atol=2e-2)
    assert np.array_equal(ids[1], drawn[0][1][4::8, 4::8])


def test_word_loss_spelt_out() -> None:
    words = read_words("tiny_words.txt")
    names = [synonyms[0] for synonyms in words]
    table, plant = names.index("dining table"), names.index("table")
    voc_ids = [names.index(n) for n in ("cat", "dog", "dining table")]
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([table, NONE_OF_VOC, table, names.index("sky"), NONE_OF_VOC, table])
    dense = F.normalize(torch.randn(len(labels), 8, generator=generator), dim=1)
    vectors = F.normalize(torch.randn(len(words), 8, generator=generator), dim=1)
    got = tiny.WordLoss(words, voc_ids)(dense, labels, vectors)
    named: list[tuple[int, float]] = []
    none = 0.0
    for vector, label in zip(dense, labels.tolist(), strict=True):
        scores = (vectors @ vector / TEMPERATURE).double()
        if label == NONE_OF_VOC:
            others = [i for i in range(len(words)) if i not in voc_ids]
            none += float(scores.logsumexp(0) - scores[others].logsumexp(0))
            continue
        if label == table:
            scores[plant] = -1e4
        named.append((label, float(scores.logsumexp(0) - scores[label])))
    counts = {label: sum(1 for other, _ in named if other == label) for label, _ in named}
    weights = [counts[label] ** -0.5 for label, _ in named]
    mean = sum(weights) / len(weights)
    total = sum(w / mean * value for w, (_, value) in zip(weights, named, strict=True)) + none
    assert got.item() == pytest.approx(total / len(labels), rel=1e-4)


def test_training_repeats_exactly_and_freezes_what_it_says(data: Path, tmp_path: Path) -> None:
    settings = tiny.Settings(views=6, size=64, steps=(2, 2), batch=4, warmup=2)
    first, second = (
        tiny.train(data / "voc", data / "coco", tmp_path / name, settings, LetterText()) for name in "ab"
    )
    for (name, a), b in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    fresh = tiny.start(LetterText()).image.state_dict()
    trained = first.image.state_dict()
    assert all(
        torch.equal(trained[f"backbone.{name}"], value) for name, value in fold(imagenet_checkpoint()).items()
    )
    assert all(torch.equal(trained[n], v) for n, v in fresh.items() if n.startswith("names."))
    assert not torch.equal(trained["join.weight"], fresh["join.weight"])
    assert "voc/p1" in (tmp_path / "a" / "manifest.txt").read_text().split()
