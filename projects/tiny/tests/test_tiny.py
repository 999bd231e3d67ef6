"""Training of the bundled model, on made-up pictures."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from tests.models.two_frame import LetterText

from openvss.errors import InputError
from openvss.models.encoders.minilm import MiniLM
from openvss.models.encoders.tiny import TEMPLATES
from openvss.models.tiny.model import SCALE
from openvss.models.words import embed
from openvss.training.recipe.reader import Stage, read_stages
from openvss.training.recipe.schema import Recipe
from openvss.training.run import RunOptions
from openvss.training.runs.log import Watcher
from openvss.training.setup import TrainingSetup
from openvss.weights.lite0 import fold, imagenet_checkpoint
from openvss.words.builtin import NAMES
from openvss.words.vocabulary import Label, Vocabulary
from projects.tiny import pasting, rounds
from projects.tiny import views as drawing
from projects.tiny.backgrounds import label_one, outline
from projects.tiny.cache import Rows, Shelf, fill, relabel
from projects.tiny.common_words import common_words
from projects.tiny.data import (
    IGNORE,
    NONE_OF_VOC,
    read_kinds,
    read_outlines,
    read_pictures,
    read_scenes,
    read_words,
)
from projects.tiny.loss import WordLoss, WordTable
from projects.tiny.material import TrainingMaterial
from projects.tiny.views import Views
from projects.tiny.weights import load, name_table, untrained

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
        listed = classes if name == "coco" else [*classes, "motorbike", "diningtable", "tvmonitor", "sofa"]
        (root / "classes.txt").write_text("".join(f"{i} {c}\n" for i, c in enumerate(listed)))
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
    words = read_words("words.txt")
    kept = read_pictures(data / "voc", words)
    assert sorted(p.image.stem for p in kept) == ["p1", "p2", "p3", "p4", "p5"]
    assert [p.image.stem for p in read_pictures(data / "voc", words, held_out=True)] == ["p0"]


def test_data_sets_share_one_vocabulary(data: Path) -> None:
    words = read_words("words.txt")
    names = [synonyms[0] for synonyms in words]
    voc, coco = (read_pictures(data / name, words)[0].table for name in ("voc", "coco"))
    assert [names[i] for i in voc[1:5]] == ["airplane", "cat", "dog", "potted plant"]
    assert voc[0] == NONE_OF_VOC
    assert voc[3] == coco[2]
    assert voc[200] == IGNORE


def test_words_that_are_left_out_are_ignored(data: Path) -> None:
    words = read_words("words.txt", ("dog", "sky"))
    names = [synonyms[0] for synonyms in words]
    assert not {"dog", "sky"} & set(names)
    voc, coco = (read_pictures(data / name, words)[0].table for name in ("voc", "coco"))
    assert [voc[3], coco[0], coco[2]] == [IGNORE] * 3
    assert names[voc[2]] == "cat"
    with pytest.raises(InputError, match="no word 'dgo'"):
        read_words("words.txt", ("dgo",))


def test_no_classes_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no classes\.txt"):
        read_pictures(tmp_path, read_words("words.txt"))


def test_lists_have_no_duplicates() -> None:
    words = read_words("words.txt")
    phrases = [phrase for synonyms in words for phrase in synonyms]
    assert len(set(phrases)) == len(phrases)
    assert len(read_words("imagenet1k.txt")) == 1000


def test_kinds_are_words_for_classes_of_imagenet() -> None:
    kinds = read_kinds()
    names = [synonyms[0] for synonyms in read_words("imagenet1k.txt")]
    assert {names[i] for i in kinds["bicycle"]} == {"bicycle-built-for-two", "mountain bike"}
    assert all(0 <= i < 1000 for ids in kinds.values() for i in ids)
    table, text = (
        name_table(LetterText()),
        WordTable([("bicycle",), ("mountain bike",), ("tench",)], LetterText()),
    )
    bicycle, bike, tench = text.means
    torch.testing.assert_close(table[names.index("mountain bike")], F.normalize(bike + bicycle, dim=0))
    fish = WordTable([("fish",)], LetterText()).means[0]
    torch.testing.assert_close(table[0], F.normalize(tench + fish, dim=0))


def test_scenes_name_training_words() -> None:
    words = read_words("words.txt")
    scenes = read_scenes(words)
    assert len(scenes) > 100
    assert all(0 <= i < len(words) for listed in scenes.values() for i in listed)


def views_of(data: Path, size: int = 64, backgrounds: dict[str, np.ndarray] | None = None) -> Views:
    words = read_words("words.txt")
    pictures = {name: read_pictures(data / name, words) for name in ("voc", "coco")}
    return Views(pictures, [synonyms[0] for synonyms in words], size, 4, backgrounds)


def test_views_keep_pixels_and_labels_together(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pixel that carries a class has its class's colour; views repeat with their seed."""
    monkeypatch.setattr(drawing, "relight", lambda pixels, rng: pixels)
    monkeypatch.setattr(drawing, "SHARE_PASTED", 0.0)
    views = views_of(data)
    names = [synonyms[0] for synonyms in read_words("words.txt")]
    colour = {names.index(n): 40 * i + 15 for i, n in enumerate(["sky", "grass", "dog", "road"])}
    colour |= {names.index(n): 40 * i + 15 for i, n in [(1, "airplane"), (2, "cat"), (4, "potted plant")]}
    dog = names.index("dog")
    seen = set()
    for number in range(30):
        pixels, ids = views.draw(number)
        assert pixels.shape == (64, 64, 3)
        for kind in set(ids.flatten().tolist()) - {IGNORE, NONE_OF_VOC}:
            seen.add(kind)
            mean = 255 * pixels[ids == kind].mean()
            expected = [colour[kind]] if kind != dog else [2 * 40 + 15, 3 * 40 + 15]
            assert min(expected) - 12 < mean < max(expected) + 12
    assert len(seen) > 4
    first, second = (views.draw(5) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


def test_pasted_objects_bring_their_label(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pasting, "SMALLEST", 10)
    monkeypatch.setattr(drawing, "SHARE_PASTED", 1.0)
    monkeypatch.setattr(drawing, "SHARE_OF_COCO", 1.0)
    views = views_of(data)
    names = [synonyms[0] for synonyms in read_words("words.txt")]
    plane, plant = names.index("airplane"), names.index("potted plant")
    drawn = [set(views.draw(number)[1].flatten().tolist()) for number in range(20)]
    assert views.kinds == sorted([plane, plant])  # cats and dogs are not pasted
    assert sum(bool({plane, plant} & ids) for ids in drawn) > 15


def test_known_backgrounds_replace_only_what_was_unnamed(data: Path) -> None:
    words = read_words("words.txt")
    names = [synonyms[0] for synonyms in words]
    sky = names.index("sky")
    behind = {"p5": np.full((48, 64), sky, np.uint8)}
    views = views_of(data, backgrounds=behind)
    background = next(p for p in views.pictures["voc"] if p.image.stem == "p5")  # class 0: background
    assert set(np.unique(views._ids(background))) == {sky, IGNORE}
    other = next(p for p in views.pictures["voc"] if p.image.stem == "p1")
    assert np.array_equal(views._ids(other), other.ids())


def test_backgrounds_are_chosen_among_the_listed_words(data: Path) -> None:
    words = read_words("words.txt")
    names = [synonyms[0] for synonyms in words]
    model = untrained(LetterText())
    table = WordTable(words, LetterText()).means
    other = torch.ones(len(words), dtype=torch.bool)
    listed = [names.index("sky"), names.index("grass")]
    pictures = read_pictures(data / "voc", words)[:2]
    looked_up = label_one(model, pictures[0], table, other, listed, sure=0.2)
    assert set(np.unique(looked_up)) <= {*listed, NONE_OF_VOC}
    assert set(np.unique(label_one(model, pictures[1], table, other, None, sure=1.1))) == {NONE_OF_VOC}
    free = label_one(model, pictures[1], table, other, None, sure=0.0)
    assert free.shape == (48, 64)
    assert NONE_OF_VOC not in free


def test_the_cache_holds_what_the_backbone_sees(data: Path, tmp_path: Path) -> None:
    backbone = untrained(LetterText()).pair.backbone
    cache = fill(tmp_path / "cache", views_of(data), backbone, 3, Watcher())
    maps, ids = cache.rows([2, 0])
    pixels, labels = views_of(data).draw(0)
    with torch.no_grad():
        expected = backbone(torch.from_numpy(pixels).permute(2, 0, 1)[None])
    for got, want in zip(maps, expected, strict=True):
        torch.testing.assert_close(got[1], want[0], rtol=2e-2, atol=2e-2)
    assert np.array_equal(ids[1], labels[4::8, 4::8])


def test_relabelled_views_differ_in_their_backgrounds_alone(data: Path, tmp_path: Path) -> None:
    names = [synonyms[0] for synonyms in read_words("words.txt")]
    backbone = untrained(LetterText()).pair.backbone
    before = fill(tmp_path / "cache", views_of(data), backbone, 40, Watcher())
    sky = names.index("sky")
    behind = {f"p{i}": np.full((48, 64), sky, np.uint8) for i in range(6)}
    after = relabel(tmp_path / "ids", tmp_path / "cache", views_of(data, backgrounds=behind), Watcher())
    unnamed = before.ids == NONE_OF_VOC
    assert unnamed.any()
    assert (after.ids[unnamed] == sky).all()
    assert np.array_equal(after.ids[~unnamed], before.ids[~unnamed])
    assert torch.equal(before.rows([3])[0][0], after.rows([3])[0][0])


def test_a_shelf_has_the_rows_of_its_caches(data: Path, tmp_path: Path) -> None:
    backbone = untrained(LetterText()).pair.backbone
    one, two = (fill(tmp_path / str(n), views_of(data), backbone, n, Watcher()) for n in (2, 3))
    shelf = Shelf(one, two)
    assert len(shelf) == 5
    maps, ids = shelf.rows([4, 1, 2])
    for place, (cache, row) in enumerate(((two, 2), (one, 1), (two, 0))):
        expected, labels = cache.rows([row])
        assert torch.equal(ids[place], labels[0])
        assert all(torch.equal(m[place], e[0]) for m, e in zip(maps, expected, strict=True))


def test_outlined_grounds_replace_what_a_model_says() -> None:
    outlines = read_outlines(read_words("words.txt"))
    text = Path(rounds.__file__).with_name("outlines.txt").read_text()
    named = re.findall(r"[:;] ([a-z ]+) \d", text.partition("\n2")[2])
    assert len(named) > 80
    assert set(named) <= {synonyms[0] for synonyms in read_words("words.txt")}
    assert len(outlines) > 50
    assert all(
        0 <= c <= 100 for those in outlines.values() for _, corners in those for xy in corners for c in xy
    )
    ids = np.full((50, 100), 7, np.uint8)
    drawn = outline(ids, [(3, [(0, 50), (100, 50), (100, 100), (0, 100)])])
    assert (drawn[:24] == 7).all()
    assert (drawn[26:] == 3).all()
    assert (ids == 7).all()
    assert np.array_equal(outline(ids, ()), ids)


def test_word_loss_spelt_out() -> None:
    words = read_words("words.txt")
    names = [synonyms[0] for synonyms in words]
    table, plant = names.index("dining table"), names.index("table")
    voc_ids = [names.index(n) for n in ("cat", "dog", "dining table")]
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([table, NONE_OF_VOC, table, names.index("sky"), NONE_OF_VOC, table])
    dense = F.normalize(torch.randn(len(labels), 8, generator=generator), dim=1)
    vectors = F.normalize(torch.randn(len(words), 8, generator=generator), dim=1)
    got = WordLoss(words, voc_ids)(dense, labels, vectors)
    named: list[tuple[int, float]] = []
    none = 0.0
    for vector, label in zip(dense, labels.tolist(), strict=True):
        scores = (vectors @ vector * SCALE).double()
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


def stages(data: Path, *more: str) -> list[Stage]:
    """The recipe that ships, made small."""
    sets = [f"data.train.{i}.set=folder:{data / name}" for i, name in enumerate(("voc", "coco"))]
    small = ["data.batch=4", "view.crop=[64, 64]", "schedule.steps=2", "schedule.warmup=0"]
    recipe = Path(__file__).parents[1] / "recipe.yaml"
    return read_stages(recipe, [*sets, *small, *(f"stages.{i}.schedule.steps=2" for i in (1, 2)), *more])


def test_training_repeats_exactly_and_freezes_what_it_says(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openvss.models.encoders.tiny.MiniLM", LetterText)
    options = RunOptions(cpu=True)
    files = [
        rounds.train(stages(data), tmp_path / name, options, Watcher(), 6, LetterText()) for name in "ab"
    ]
    assert files[0].read_bytes() == files[1].read_bytes()
    first, second, third = (
        load(tmp_path / "a" / name, LetterText()).state_dict() for name in ("1-first", "2-second", "3-third")
    )
    for before, after in ((first, second), (second, third)):
        changed = {name for name, x in before.items() if not torch.equal(x, after[name])}
        assert {"pair.image.join.weight", "pair.image.enter.weight", "pair.image.gate.bias"} <= changed
        assert not any(name.startswith(("pair.image.backbone", "pair.image.names")) for name in changed)
    for name, value in fold(imagenet_checkpoint()).items():
        assert torch.equal(third[f"pair.image.backbone.{name}"], value)
    assert "voc/p1" in (tmp_path / "a" / "manifest.txt").read_text().split()


def test_rounds_resume_and_the_last_sees_streets_and_rooms(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openvss.models.encoders.tiny.MiniLM", LetterText)
    sizes: list[int] = []
    assembler = TrainingMaterial.assembler

    def count(material: TrainingMaterial, cache: Rows) -> Callable[[Recipe, Path, bool], TrainingSetup]:
        sizes.append(len(cache))
        return assembler(material, cache)

    monkeypatch.setattr(TrainingMaterial, "assembler", count)
    run = tmp_path / "run"
    whole = rounds.train(stages(data), run, RunOptions(cpu=True), Watcher(), 6, LetterText()).read_bytes()
    assert sizes == [6, 6, 9]
    (run / "tiny.safetensors").unlink()
    shutil.rmtree(run / "3-third")
    (run / "labels-3-third" / "done").unlink()
    again = rounds.train(stages(data), run, RunOptions(resume=True, cpu=True), Watcher(), 6, LetterText())
    assert again.read_bytes() == whole
    with pytest.raises(InputError, match="other pictures, words or views"):
        rounds.train(stages(data), run, RunOptions(resume=True, cpu=True), Watcher(), 8, LetterText())


def test_words_can_be_kept_out(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvss.models.encoders.tiny.MiniLM", LetterText)
    without = [f"data.train.{i}.without=[dog]" for i in range(2)]
    rounds.train(stages(data, *without), tmp_path / "run", RunOptions(cpu=True), Watcher(), 4, LetterText())
    assert (tmp_path / "run" / "tiny.safetensors").is_file()


def test_common_words_ship_as_the_text_encoder_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    words, encoder = common_words(), MiniLM()
    assert {"camel", "railway track", "granny smith"} <= set(words)
    assert all(Vocabulary.parse(word).names == (word,) for word in words if word not in NAMES)
    few = words[:: len(words) // 8]
    prompts = torch.stack([encoder.encode([t.format(word) for t in TEMPLATES]).mean(0) for word in few])

    def refuse(phrases: Sequence[str]) -> torch.Tensor:
        raise AssertionError(f"encoded {phrases}")

    monkeypatch.setattr(encoder, "encode", refuse)
    shipped = embed(Vocabulary(tuple(Label(word, (word,)) for word in words)), encoder, TEMPLATES, cache=None)
    place = [words.index(word) for word in few]
    torch.testing.assert_close(shipped.embeddings[place, 0], F.normalize(prompts, dim=1), atol=1e-5, rtol=0)
