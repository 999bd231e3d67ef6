"""What a model is shown: frames, labels and words of a batch, and the order of samples."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from openvss.data.pseudo_clips import CameraPath as Motion
from openvss.data.transforms import Draw
from openvss.errors import InputError
from openvss.models.base import IGNORE
from openvss.training.data import batches
from openvss.training.data.batches import Batch, TrainingData, open_data
from openvss.training.data.sampler import CHUNK, SampleOrder
from openvss.training.recipe.schema import Recipe
from openvss.training.setup import build
from tests.training.small import recipe

PLAIN_VIEW = {
    "crop": [32, 48],
    "base": [48, 32],
    "ratio": [1, 1],
    "category_share": 1,
    "flip": 0,
    "reverse": 0,
    "jitter": 0,
}
STILL = {"shift": 0.0, "zoom": 0.0, "light": 0.0}


def opened(root: Path, **changes: Any) -> TrainingData:
    settings = Recipe.model_validate(recipe(root, **{"view": PLAIN_VIEW, "clip": {}, **changes}))
    model, _ = build(settings)
    return open_data(settings, model)


def batch(root: Path, number: int = 0, **changes: Any) -> Batch:
    return opened(root, **changes).batches[number]


def labelled(one: Batch) -> list[bool]:
    """Of the first clip, which frames have labels."""
    return [bool((frame != IGNORE).any()) for frame in one.labels[0]]


def test_batches_depend_on_their_number_alone(videos: Path) -> None:
    first, again, other = batch(videos, 3), batch(videos, 3), batch(videos, 4)
    assert first.names == again.names != other.names
    assert torch.equal(first.frames, again.frames)
    assert torch.equal(first.labels, again.labels)


@pytest.mark.parametrize("draw", ["frames", "videos"])
def test_targets_are_late_where_a_video_has_late_ones(videos: Path, draw: str) -> None:
    """Of 8 frames; a video that ends earlier, or a picture, has its last."""
    train = [{"set": f"folder:{videos}", "split": "train", "draw": draw}]
    for earliest, wanted in ((0, set(range(8))), (5, {5, 6, 7}), (9, {7})):
        data = opened(videos, data={"train": train, "batch": 2}, clip={"earliest": earliest})
        names = [name for number in range(40) for name in data.batches[number].names]
        assert {int(name.rpartition(" ")[2]) for name in names} == wanted
        assert len(data.sources[0]) == 2 * (len(wanted) if draw == "frames" else 1)


@pytest.mark.parametrize("context", ["distant", "none", "made"])
def test_all_of_a_batch_is_pinned_and_moved(
    videos: Path, context: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = batch(videos, clip={"context": "none" if context == "none" else "distant"})
    if context == "made":
        one = replace(one, context={"mean": torch.ones(2, 16)})
    pinned: list[Tensor] = []

    def pin(tensor: Tensor) -> Tensor:
        pinned.append(tensor.clone())
        return pinned[-1]

    monkeypatch.setattr(Tensor, "pin_memory", pin)
    there = one.pin_memory()
    assert len(pinned) == (2 if context == "none" else 3)
    assert any(there.frames is tensor for tensor in pinned)
    assert torch.equal(there.labels, one.labels)
    moved = one.to(torch.device("meta"))
    assert moved.frames.is_meta
    assert moved.labels.is_meta
    inner = moved.context["mean"] if isinstance(moved.context, dict) else moved.context
    assert inner is None or inner.is_meta


@pytest.mark.parametrize(
    ("device", "wanted", "pins"), [("cuda", True, True), ("cuda", False, False), ("cpu", True, False)]
)
def test_batches_are_pinned_for_gpus_alone(
    videos: Path, device: str, wanted: bool, pins: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []

    def loader(*_: object, pin_memory: bool, **__: object) -> list[Batch]:
        made.append(pin_memory)
        return []

    monkeypatch.setattr(batches, "DataLoader", loader)
    settings = Recipe.model_validate(
        recipe(videos, data={"train": [{"set": "folder:x"}], "pin_memory": wanted})
    )
    batches.load(opened(videos).batches, range(2), settings.data, torch.device(device), lambda: None)
    assert made == [pins]


def test_shapes(videos: Path) -> None:
    one = batch(videos)
    assert one.frames.shape == (2, 3, 3, 32, 48)
    assert isinstance(one.context, Tensor)
    assert one.context.shape == (2, 1, 3, 32, 48)
    assert one.labels.shape == (2, 3, 32, 48)
    assert one.labels[one.labels != IGNORE].max() < len(one.words)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("target", [False, False, True]), (2, [False, True, True]), ("all", [True, True, True])],
)
def test_how_many_frames_are_labelled(videos: Path, labels: Any, expected: list[bool]) -> None:
    assert labelled(batch(videos, clip={"labels": labels})) == expected


def test_clips_turned_round_keep_a_labelled_target(videos: Path) -> None:
    one = batch(videos, view={**PLAIN_VIEW, "reverse": 1})
    assert labelled(one) == [False, False, True]
    usual = batch(videos)
    assert torch.equal(one.frames, usual.frames.flip(1))


def test_references_of_the_recipe(videos: Path) -> None:
    assert batch(videos, clip={"references": [5]}).frames.shape[1] == 2


@pytest.mark.parametrize(("context", "frames"), [("none", 0), ("own", 4), ("distant", 1)])
def test_context(videos: Path, context: str, frames: int) -> None:
    found = batch(videos, clip={"context": context, "context_size": 4}).context
    assert (0 if found is None else found.shape[1]) == frames  # type: ignore[union-attr]


def test_words_of_other_classes_are_not_given(videos: Path) -> None:
    data = opened(videos)
    assert len(data.joint.vocabulary) == 108
    split = [{"set": f"folder:{videos}", "split": "test", "classes": "seen"}]
    hidden = batch(videos, data={"train": split, "batch": 1})
    assert (hidden.labels == IGNORE).all()  # it shows unseen things only
    assert hidden.frames[0, -1].std() > 0.05


def test_unseen_pixels_can_be_black(videos: Path) -> None:
    split = [{"set": f"folder:{videos}", "split": "test", "classes": "seen", "blank_unseen": True}]
    one = batch(videos, data={"train": split, "batch": 1})
    assert (one.frames == 0).all()
    assert (one.context == 0).all()  # type: ignore[union-attr]


def test_word_cap_keeps_what_is_there(videos: Path) -> None:
    whole, capped = batch(videos), batch(videos, words={"cap": 20})
    assert len(capped.words) == 20
    assert list(capped.words) == sorted(set(capped.words))
    table = torch.tensor([*whole.words, *[0] * (256 - len(whole.words))])
    other = torch.tensor([*capped.words, *[0] * (256 - len(capped.words))])
    known = whole.labels != IGNORE
    assert torch.equal(known, capped.labels != IGNORE)
    assert torch.equal(table[whole.labels[known]], other[capped.labels[known]])
    assert batch(videos, 1, words={"cap": 20}).words != capped.words


def test_the_number_of_words_changes_from_step_to_step(videos: Path) -> None:
    counts = [len(batch(videos, number, words={"cap": 40, "fewest": 15}).words) for number in range(12)]
    assert len(set(counts)) > 4
    assert min(counts) >= 15
    assert max(counts) <= 40
    assert sum(count < 25 for count in counts) > 2  # half of 15..40 on the scale of logarithms


def test_batches_of_one_set_have_its_words(videos: Path, images: Path) -> None:
    train = [
        {"set": f"folder:{videos}", "split": "train", "classes": ["red plain disc", "blue plain sky"]},
        {"set": f"folder:{images}", "split": "train", "classes": "seen"},
    ]
    data = opened(videos, data={"train": train, "batch": 2, "mix": "batches"})
    sizes = {len(data.batches[number].words) for number in range(10)}
    assert sizes == {2, 108}
    both = opened(videos, data={"train": train, "batch": 2})
    assert {len(both.batches[number].words) for number in range(4)} == {108}


def test_a_still_repeats_without_motion(images: Path) -> None:
    one = batch(images, clip={"still": STILL, "labels": "all"})
    assert torch.equal(one.frames, one.frames[:, -1:].expand_as(one.frames))
    assert torch.equal(one.labels, one.labels[:, -1:].expand_as(one.labels))
    plain = batch(images, clip={"still": None})
    assert torch.equal(plain.frames, one.frames)


def test_a_still_moves_with_its_labels(images: Path) -> None:
    still = {**STILL, "shift": 0.4}
    one = batch(images, clip={"still": still, "labels": "all", "references": [15]})
    frames, labels = one.frames[0], one.labels[0]
    shifts = [(y, x) for y in range(-13, 14) for x in range(-20, 21)]
    errors = {s: _difference(frames[0], frames[1], s) for s in shifts}
    found = min(errors, key=lambda s: errors[s])
    assert found != (0, 0)
    assert errors[found] < 0.02 < errors[0, 0]
    assert _difference(labels[0].float(), labels[1].float(), found, IGNORE) == 0


def _difference(a: Tensor, b: Tensor, shift: tuple[int, int], ignored: int | None = None) -> float:
    """Mean difference where a, moved by the shift, lies over b, away from the margin."""
    moved = torch.roll(a, shift, (-2, -1))
    inside = torch.zeros_like(b, dtype=torch.bool)
    inside[..., 13:-13, 20:-20] = True
    if ignored is not None:
        inside &= (moved != ignored) & (b != ignored)
    return (moved - b)[inside].abs().mean().item()


def test_motion_is_even() -> None:
    """What is seen two seconds before is twice as far away, as much smaller and as much darker again."""
    colours = (((1.0, 0.0, 0.0, 0.1), (0.0, 1.0, 0.0, 0.1), (0.0, 0.0, 1.0, 0.1)),)
    view = Draw((1000, 2000), 300, 700, (200, 400), False, False, colours, 255)
    path = Motion(down=0.1, across=-0.05, zoom=0.2, light=-0.3)
    one, two = path.before(view, 15), path.before(view, 30)
    assert path.before(view, 0) == view
    assert one.size == (round(1000 * math.exp(0.2)), round(2000 * math.exp(0.2)))
    assert two.size == (round(1000 * math.exp(0.4)), round(2000 * math.exp(0.4)))
    assert (one.top + 100) / one.size[0] == pytest.approx(0.4 + 20 / one.size[0], abs=1e-3)
    assert (two.left + 200) / two.size[1] == pytest.approx(0.45 - 40 / two.size[1], abs=1e-3)
    gains = [shown.colours[0][0][0] for shown in (one, two)]
    assert gains == pytest.approx([math.exp(-0.3), math.exp(-0.6)])


def test_some_of_the_picture_stays_in_view() -> None:
    colours = (((1.0, 0.0, 0.0, 0.0),) * 3,)
    view = Draw((40, 40), 0, 0, (32, 32), False, False, colours, 255)
    far = Motion(down=9.0, across=-9.0, zoom=0.0, light=0.0).before(view, 30)
    assert -32 < far.left < far.top < 40


def test_too_many_words_need_a_cap(tmp_path: Path) -> None:
    from openvss.data.make import make
    from openvss.data.synthetic.job import RenderOptions

    make("ade847", tmp_path / "set", 0, RenderOptions(images=1, size=(48, 32)))
    train = {"train": [{"set": f"ade847:{tmp_path / 'set'}"}], "batch": 1}
    with pytest.raises(InputError, match=r"at most 254 words, but the data have 8\d\d: set words\.cap"):
        batch(tmp_path, data=train)
    assert len(batch(tmp_path, data=train, words={"cap": 100}).words) == 100


sets = st.lists(st.tuples(st.integers(1, 9), st.floats(0.1, 5)), min_size=1, max_size=4)


@given(sets, st.integers(0, 99), st.sampled_from([1, 2, 3]))
def test_every_item_comes_once_before_any_comes_again(
    sizes_and_weights: list[tuple[int, float]], seed: int, group: int
) -> None:
    sizes, weights = zip(*sizes_and_weights, strict=True)
    order = SampleOrder(sizes, weights, seed, group)
    came: list[list[int]] = [[] for _ in sizes]
    for position in range(120):
        chosen, item = order.at(position)
        came[chosen].append(item)
    for size, items in zip(sizes, came, strict=True):
        for start in range(0, len(items) - size + 1, size):
            assert sorted(items[start : start + size]) == list(range(size))


@given(sets, st.integers(0, 3 * CHUNK))
def test_positions_have_no_memory(sizes_and_weights: list[tuple[int, float]], position: int) -> None:
    sizes, weights = zip(*sizes_and_weights, strict=True)
    asked_before = SampleOrder(sizes, weights, 0)
    for earlier in range(0, position, CHUNK // 2):
        asked_before.at(earlier)
    assert SampleOrder(sizes, weights, 0).at(position) == asked_before.at(position)


def test_sets_come_by_weight() -> None:
    order = SampleOrder((5, 50), (1, 3), 0)
    counts = Counter(order.at(position)[0] for position in range(4000))
    assert counts[1] / 4000 == pytest.approx(0.75, abs=0.03)


def test_a_group_comes_from_one_set() -> None:
    order = SampleOrder((5, 7, 9), (1, 1, 1), 0, group=4)
    groups = [{order.at(4 * g + i)[0] for i in range(4)} for g in range(50)]
    assert all(len(one) == 1 for one in groups)
    assert len(set.union(*groups)) == 3


def test_seeds_differ() -> None:
    first, second = ([SampleOrder((40,), (1,), seed).at(p)[1] for p in range(40)] for seed in (0, 1))
    assert first != second
    assert first != sorted(first)
