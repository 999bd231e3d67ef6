"""Synthetic data: exact labels, words that are true, every layout readable, same seed same bytes."""

import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openvss.data.base import Dataset
from openvss.data.catalogue import open_dataset
from openvss.data.check import check
from openvss.data.make import layouts, make
from openvss.data.prepare import prepare
from openvss.data.synthetic.compositions import (
    COLOURS,
    SHAPES,
    TEXTURES,
    Composition,
    compositions,
    seen,
    unseen,
)
from openvss.data.synthetic.disturbance import Disturbance
from openvss.data.synthetic.job import RenderOptions
from openvss.data.synthetic.scenes import RIM_SHADE, TONES, Scene
from openvss.errors import InputError, OutputError
from openvss.words.builtin import class_list

SMALL = RenderOptions(videos=1, frames=3, images=4, size=(48, 32))
SPLITS = {
    "folder": ("train", "val", "test"),
    "folder-images": ("train", "val", "test"),
    "camvid": ("val", "test"),
}


def spec(layout: str, root: Path) -> str:
    return f"{layout.partition('-')[0] if layout.startswith('folder') else layout}:{root}"


def ids_of(dataset: Dataset) -> set[int]:
    labels = [label for clip in dataset.clips for label in clip.labels if label is not None]
    return {int(i) for label in labels for i in np.unique(dataset.read_label(label))}


def words_of(dataset: Dataset) -> set[str]:
    return {dataset.vocabulary.names[i] for i in ids_of(dataset) - {dataset.ignore}}


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_words_compose_and_every_pair_of_attributes_is_seen() -> None:
    looks = compositions()
    assert len(looks) == len(COLOURS) * len(TEXTURES) * len(SHAPES) == len({c.word for c in looks}) == 144
    assert Composition("red", "striped", "disc").word == "red striped disc"
    known, new = set(seen()), set(unseen())
    assert known | new == set(looks)
    assert not known & new
    assert len(new) == 36
    for pair in (("colour", "texture"), ("colour", "shape"), ("texture", "shape")):
        values = [{tuple(getattr(c, name) for name in pair) for c in part} for part in (known, new)]
        assert values[0] >= values[1]
    assert {c.shape for c in new} == set(SHAPES)


@pytest.mark.parametrize("seed", range(4))
def test_labels_are_exact_and_words_are_true(seed: int) -> None:
    rng = random.Random(seed)
    skies = [c for c in compositions() if c.shape == "sky"]
    grounds = [c for c in compositions() if c.shape == "ground"]
    others = [c for c in compositions() if c.shape not in ("sky", "ground")]
    scene = Scene.draw(rng.choice(skies), rng.choice(grounds), rng.sample(others, 3), rng)
    pixels, labels = scene.render(5, (96, 64))
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
    for number, look in enumerate((scene.sky, scene.ground, *scene.objects)):
        shown = pixels[labels == number].astype(float)
        tones = np.array(TONES[look.colour], float)[: 1 if look.texture == "plain" else 2]
        if number >= 2:  # objects have a dark edge in their colour
            tones = np.concatenate([tones, RIM_SHADE * tones[:1]])
            assert len(np.unique(shown, axis=0)) == len(tones)
            assert np.abs(shown[:, None] - tones).max(axis=2).min(axis=1).max() <= 0.5
        else:  # the background only gets lighter and darker
            brightness = (shown[:, None] / tones).mean(axis=2, keepdims=True)
            off = np.abs(shown[:, None] - (tones * brightness).clip(0, 255)).max(axis=2).min(axis=1)
            assert off.max() < 12
            assert brightness.min(axis=1).max() <= 1.08


def test_objects_move_and_stay_in_view() -> None:
    looks = compositions()
    scene = Scene.draw(looks[-1], looks[-30], [looks[0], looks[30], looks[60]], random.Random(1))
    frames = [scene.render(t, (96, 64))[1] for t in range(0, 400, 40)]
    centres = [np.argwhere(labels == 4).mean(axis=0) for labels in frames]
    assert all((labels == 4).sum() > 100 for labels in frames)
    assert np.ptp(centres, axis=0).max() > 10
    assert not np.array_equal(scene.render(0, (96, 64))[1], scene.render(1, (96, 64))[1])


@pytest.mark.parametrize("layout", layouts())
def test_every_layout_is_read_without_complaint(layout: str, tmp_path: Path) -> None:
    make(layout, tmp_path, options=SMALL)
    splits = (None,) if layout == "folder-objects" else SPLITS.get(layout, ("train", "val"))
    for split in splits:
        assert list(check(spec(layout, tmp_path), split)) == []
        dataset = open_dataset(spec(layout, tmp_path), split)
        assert len(ids_of(dataset)) >= 2
        for clip in dataset.clips:
            with Image.open(clip.frames[0]) as image:
                assert image.size == (48, 32)


@pytest.mark.parametrize("layout", layouts())
def test_same_seed_same_bytes(layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = replace(SMALL, frames=2, disturbance=Disturbance(0.1, 0.05, 0.5))
    make(layout, tmp_path / "a", 7, options)
    monkeypatch.setattr(time, "asctime", lambda *_: "Fri Jan  1 00:00:00 1999")
    make(layout, tmp_path / "b", 7, options)
    make(layout, tmp_path / "c", 8, options)
    first = content(tmp_path / "a")
    assert first == content(tmp_path / "b")
    assert first != content(tmp_path / "c")


@pytest.mark.parametrize("layout", layouts())
def test_default_trees_are_small(layout: str, tmp_path: Path) -> None:
    make(layout, tmp_path)
    assert sum(map(len, content(tmp_path).values())) < 230_000


@pytest.mark.parametrize("layout", ["coco-stuff", "ade847", "pc59", "pc459"])
def test_raw_trees_are_prepared_to_the_same_labels(layout: str, tmp_path: Path) -> None:
    make(layout, tmp_path / "prepared", 3, SMALL)
    make(layout, tmp_path / "raw", 3, replace(SMALL, raw=True))
    assert prepare(layout, tmp_path / "raw") > 0
    for split in ("train", "val"):
        ready, made = (open_dataset(f"{layout}:{tmp_path / kind}", split) for kind in ("prepared", "raw"))
        assert [clip.name for clip in ready.clips] == [clip.name for clip in made.clips]
        for a, b in zip(ready.clips, made.clips, strict=True):
            assert a.labels[0] is not None
            assert b.labels[0] is not None
            np.testing.assert_array_equal(ready.read_label(a.labels[0]), made.read_label(b.labels[0]))


def test_context_gives_the_same_labels_from_both_releases(tmp_path: Path) -> None:
    make("pc59", tmp_path / "json", 3, replace(SMALL, raw=True))
    make("pc59", tmp_path / "mat", 3, replace(SMALL, raw=True))
    (tmp_path / "mat" / "trainval_merged.json").unlink()
    for kind in ("json", "mat"):
        prepare("pc59", tmp_path / kind)
    folder = "annotations_detectron2"
    assert content(tmp_path / "json" / folder) == content(tmp_path / "mat" / folder)


@pytest.mark.parametrize(("layout", "highest"), [("ade847", 846), ("pc459", 458)])
def test_long_lists_have_labels_of_sixteen_bits(layout: str, highest: int, tmp_path: Path) -> None:
    make(layout, tmp_path)
    dataset = open_dataset(f"{layout}:{tmp_path}")
    assert dataset.clips[0].labels[0] is not None
    assert dataset.read_label(dataset.clips[0].labels[0]).dtype == np.uint16
    assert {highest, dataset.ignore} <= ids_of(dataset)
    assert len([i for i in ids_of(dataset) if 254 < i < dataset.ignore]) >= 3


def raw_values(root: Path, pattern: str) -> set[int]:
    found: set[int] = set()
    for path in root.glob(pattern):
        with Image.open(path) as image:
            found |= {int(i) for i in np.unique(np.asarray(image))}
    return found


def test_files_hold_the_official_numbers(tmp_path: Path) -> None:
    many = replace(SMALL, videos=4, images=8)
    for layout in ("vspw", "cityscapes", "coco-stuff", "ade150", "ade847", "voc20", "camvid"):
        make(layout, tmp_path / layout, options=many)
    assert {0, 19, 61, 80, 81, 124, 255} <= raw_values(tmp_path, "vspw/data/*/mask/*.png")
    assert {0, 7, 23, 26, 31} <= raw_values(tmp_path, "cityscapes/gtFine/*/*/*.png")
    assert {0, 2, 17, 156, 181, 255} <= raw_values(tmp_path, "coco-stuff/stuffthingmaps/*/*.png")
    assert {0, 1, 3, 7, 149} <= raw_values(tmp_path, "ade150/annotations/*/*.png")
    assert {0, 15, 255} <= raw_values(tmp_path, "voc20/SegmentationClass/*.png")
    assert {0, 11} <= raw_values(tmp_path, "camvid/*annot/*.png")
    path = min((tmp_path / "ade847/images/ADE/training").rglob("*_seg.png"))
    with Image.open(path) as image:
        colours = np.asarray(image).reshape(-1, 3).astype(int)
    assert 2420 in colours[:, 0] // 10 * 256 + colours[:, 1]  # sky


def test_the_word_of_a_number_is_that_of_the_list(tmp_path: Path) -> None:
    make("vspw", tmp_path, options=replace(SMALL, videos=4))
    words = words_of(open_dataset(f"vspw:{tmp_path}")) | words_of(open_dataset(f"vspw:{tmp_path}", "train"))
    assert {"person", "train", "bag", "trash can", "sky", "road"} <= words
    assert words <= {labels[0] for labels in class_list("vspw").labels}


def test_folder_splits_keep_the_unseen_for_testing(tmp_path: Path) -> None:
    make("folder-images", tmp_path, options=replace(SMALL, images=9))
    known, new = ({c.word for c in part} for part in (seen(), unseen()))
    for split, words in (("train", known), ("val", known), ("test", new)):
        assert words_of(open_dataset(f"folder:{tmp_path}", split)) <= words
    # Nine images of three objects each go through all the unseen ones.
    assert words_of(open_dataset(f"folder:{tmp_path}", "test")) == new


def test_one_named_object_a_sequence(tmp_path: Path) -> None:
    make("folder-objects", tmp_path, options=SMALL)
    single, pair = open_dataset(f"folder:{tmp_path}").clips
    assert single.objects is not None
    assert pair.objects is not None
    assert (len(single.objects[1]), len(pair.objects[1])) == (1, 2)
    assert raw_values(tmp_path, "data/object_000/mask/*.png") == {0, 1}
    assert raw_values(tmp_path, "data/object_001/mask/*.png") == {0, 2}


def test_many_sequences_share_the_names_of_their_objects(tmp_path: Path) -> None:
    make("folder-objects", tmp_path, options=replace(SMALL, videos=20, frames=1))
    clips = open_dataset(f"folder:{tmp_path}").clips
    assert len(clips) == 40
    # The 96 objects fill 32 scenes; then they come again.
    assert len({clip.objects for clip in clips}) == 32


def test_cityscapes_has_the_frames_before_the_labelled_one(tmp_path: Path) -> None:
    make("cityscapes", tmp_path, options=SMALL)
    (clip,) = open_dataset(f"cityscapes:{tmp_path}").clips
    assert [label is not None for label in clip.labels] == [False, False, True]
    assert len(list(tmp_path.glob("leftImg8bit_sequence/val/*/*.png"))) == 4


def test_disturbances_spoil_frames_and_not_labels(tmp_path: Path) -> None:
    settings = {
        "none": Disturbance(),
        "noise": Disturbance(noise=0.1),
        "blur": Disturbance(blur=0.1),
        "occlusion": Disturbance(occlusion=1),
    }
    trees = {}
    for name, disturbance in settings.items():
        make("camvid", tmp_path / name, options=replace(SMALL, disturbance=disturbance))
        trees[name] = content(tmp_path / name)
    for name, tree in trees.items():
        labels = {k: v for k, v in tree.items() if "annot" in k}
        assert labels == {k: v for k, v in trees["none"].items() if "annot" in k}
        assert name == "none" or all(v != trees["none"][k] for k, v in tree.items() if k not in labels)
    with Image.open(min((tmp_path / "occlusion" / "val").iterdir())) as image:
        hidden = (np.asarray(image) == 128).all(axis=-1)
    assert 0.15 < hidden.mean() < 0.25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"videos": 0}, "The number of videos must be at least 1, not 0"),
        ({"size": (64, 31)}, "from 32 to 4096 pixels wide and high, not 64x31"),
        ({"size": (5000, 64)}, "from 32 to 4096 pixels wide and high, not 5000x64"),
    ],
)
def test_impossible_options_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        RenderOptions(**change)  # type: ignore[arg-type]


def test_impossible_disturbances_are_refused() -> None:
    with pytest.raises(
        InputError, match="The noise of synthetic frames must be a fraction from 0 to 1, not 2"
    ):
        Disturbance(noise=2)


def test_unknown_layout_and_occupied_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Unknown layout 'nuscenes': choose one of vspw, cityscapes"):
        make("nuscenes", tmp_path / "new")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        make("vspw", tmp_path)
    with pytest.raises(InputError, match="is a file"):
        make("vspw", tmp_path / "file")
    with pytest.raises(OutputError, match="could not be filled"):
        make("vspw", tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"
