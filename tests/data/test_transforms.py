"""Random views: the same for all frames of a clip, exact for masks, varied enough."""

import random
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from openvss.data.transforms import (
    PADDING,
    Augmentation,
    Draw,
    apply_to_frames,
    apply_to_masks,
    colour_map,
    draw,
    recolour,
)

SAME = colour_map()
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
PLAIN = Augmentation(crop=(16, 24), base=(64, 48), jitter=0)


def noise(*shape: int, seed: int = 0, high: int = 256) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, high, shape, dtype=np.uint8)


def naive_mask(view: Draw, ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Pixel by pixel: where the centre of each place of the view lies in the original."""
    seen = np.full(view.crop, view.ignore, np.int64)
    for row in range(view.crop[0]):
        for column in range(view.crop[1]):
            y, x = view.top + row, view.left + column
            if 0 <= y < view.size[0] and 0 <= x < view.size[1]:
                place = row, view.crop[1] - 1 - column if view.flip else column
                v = int((y + 0.5) * ids.shape[0] / view.size[0])
                seen[place] = ids[v, int((x + 0.5) * ids.shape[1] / view.size[1])]
    return seen


views = st.builds(
    Draw,
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    top=st.just(0),
    left=st.just(0),
    crop=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    flip=st.booleans(),
    reverse=st.just(False),
    colours=st.just((SAME,)),
    ignore=st.just(255),
).flatmap(
    lambda v: st.builds(
        lambda top, left: replace(v, top=top, left=left),
        st.integers(min(0, v.size[0] - v.crop[0]), max(0, v.size[0] - v.crop[0])),
        st.integers(min(0, v.size[1] - v.crop[1]), max(0, v.size[1] - v.crop[1])),
    )
)


@given(views, st.integers(1, 30), st.integers(1, 30))
def test_masks_follow_the_pixel_centres(view: Draw, height: int, width: int) -> None:
    ids = noise(height, width, high=9)
    np.testing.assert_array_equal(apply_to_masks(view, [ids])[0].numpy(), naive_mask(view, ids))


@given(views, st.integers(1, 30), st.integers(1, 30))
def test_frames_are_scaled_whole_then_cut(view: Draw, height: int, width: int) -> None:
    pixels = noise(height, width, 3)
    scaled = np.asarray(Image.fromarray(pixels).resize(view.size[::-1], Image.Resampling.BILINEAR))
    expected = np.tile(np.array(PADDING, np.float32) * 255, (*view.crop, 1))
    for row in range(view.crop[0]):
        for column in range(view.crop[1]):
            y, x = view.top + row, view.left + column
            if 0 <= y < view.size[0] and 0 <= x < view.size[1]:
                expected[row, view.crop[1] - 1 - column if view.flip else column] = scaled[y, x]
    seen = apply_to_frames(view, [pixels])[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(seen - expected).max() <= 1.01  # Pillow rounds to whole levels between its two passes


@given(st.integers(0, 10_000))
def test_frame_and_mask_stay_aligned(seed: int) -> None:
    ids = np.zeros((48, 64), np.uint8)
    ids[10:30, 20:50] = 1
    frame = np.repeat(ids[..., None] * np.uint8(255), 3, axis=2)
    view = draw(PLAIN, [ids], random.Random(seed))
    mask = apply_to_masks(view, [ids])[0]
    red = apply_to_frames(view, [frame])[0, 0]
    # Bilinear pixels may be mixed within one original pixel of an edge (of two at a corner: a quarter).
    assert bool((red[mask == 1] > 0.2).all())
    assert bool((red[mask == 0] < 0.7).all())
    assert torch.allclose(red[mask == 255], torch.tensor(PADDING[0]))


def test_one_draw_serves_every_frame() -> None:
    settings = Augmentation(crop=(20, 20), base=(64, 48), reverse=0)
    frame, ids = noise(48, 64, 3), noise(48, 64, high=5)
    view = draw(settings, [ids] * 4, random.Random(5))
    frames, masks = apply_to_frames(view, [frame] * 4), apply_to_masks(view, [ids] * 4)
    assert frames.shape == (4, 3, 20, 20)
    assert frames.dtype == torch.float32
    assert masks.shape == (4, 20, 20)
    assert masks.dtype == torch.int64
    for i in range(1, 4):
        assert torch.equal(frames[i], frames[0])
        assert torch.equal(masks[i], masks[0])
    distant = apply_to_frames(view, [frame])
    assert torch.equal(distant[0], frames[0])


def test_reversal_turns_the_order_of_frames_and_masks() -> None:
    settings = replace(PLAIN, reverse=1, flip=0)
    frames = [np.full((48, 64, 3), 10 * i, np.uint8) for i in range(4)]
    masks = [np.full((48, 64), i, np.uint8) for i in range(4)]
    view = replace(draw(settings, masks, random.Random(0)), top=0, left=0, size=(48, 64))
    assert (apply_to_frames(view, frames)[:, 0, 0, 0] * 255).round().tolist() == [30, 20, 10, 0]
    assert apply_to_masks(view, masks)[:, 0, 0].tolist() == [3, 2, 1, 0]


def test_a_clip_with_one_mask_is_never_reversed() -> None:
    settings = replace(PLAIN, reverse=1)
    assert not any(draw(settings, [noise(48, 64)], random.Random(i)).reverse for i in range(20))


def test_reversed_clips_choose_their_crop_by_the_first_mask() -> None:
    settings = replace(PLAIN, reverse=1, flip=0, ratio=(1, 1))
    halves = np.zeros((48, 64), np.uint8)
    halves[:, 32:] = 1
    dull = np.zeros((48, 64), np.uint8)
    good = 0
    for seed in range(40):
        view = draw(settings, [halves, dull], random.Random(seed))
        shares = np.bincount(apply_to_masks(view, [halves, dull])[1].ravel()) / (16 * 24)
        good += shares.max() <= 0.75
    assert good > 30  # a third of all crops are good; choosing by the other mask would find 13


def test_scale_stays_within_its_range() -> None:
    mask = noise(100, 300)
    sizes = [draw(PLAIN, [mask], random.Random(seed)).size for seed in range(200)]
    # 300 x 100 fits into 64 x 48 at 64 / 300.
    widths = [w for _, w in sizes]
    assert min(widths) >= 32
    assert max(widths) <= 128
    assert max(widths) > 115 > 45 > min(widths)
    assert all(abs(h / w - 1 / 3) < 0.03 for h, w in sizes)
    upright = [draw(PLAIN, [mask.T], random.Random(seed)).size for seed in range(200)]
    assert upright == [(w, h) for h, w in sizes]


def test_no_class_covers_more_than_its_share_where_a_crop_allows() -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 40:44] = 1
    mask[20:30] = 2
    settings = replace(PLAIN, ratio=(1, 1))

    def good(share: float) -> int:
        drawn = [draw(replace(settings, category_share=share), [mask], random.Random(i)) for i in range(100)]
        shares = [np.bincount(apply_to_masks(v, [mask])[0].ravel()).max() / (16 * 24) for v in drawn]
        return sum(s <= 0.75 for s in shares)

    assert good(0.75) > 95
    assert good(1.0) < 80


@pytest.mark.parametrize("fill", [3, 255])
def test_hopeless_masks_still_give_a_crop(fill: int) -> None:
    mask = np.full((48, 64), fill, np.uint8)
    view = draw(PLAIN, [mask], random.Random(0))
    assert set(apply_to_masks(view, [mask]).flatten().tolist()) <= {fill, 255}


def test_small_frames_are_padded_and_ignored() -> None:
    settings = Augmentation(crop=(64, 64), base=(40, 30), ratio=(1, 1), jitter=1)
    ids = noise(30, 40, high=3).astype(np.uint16)
    view = draw(settings, [ids], random.Random(1), ignore=65535)
    mask = apply_to_masks(view, [ids])[0]
    inside = mask != 65535
    assert int(inside.sum()) == 30 * 40
    frame = apply_to_frames(view, [noise(30, 40, 3)])[0]
    assert torch.allclose(frame[:, ~inside], torch.tensor(PADDING)[:, None])


def test_sixteen_bit_ids_survive() -> None:
    ids = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
    view = Draw((48, 64), 0, 0, (48, 64), False, False, (SAME,), 65535)
    np.testing.assert_array_equal(apply_to_masks(view, [ids])[0].numpy(), ids)


def test_same_chance_same_draw() -> None:
    settings = Augmentation(crop=(16, 24))
    masks = [noise(48, 64, high=4)] * 2
    assert draw(settings, masks, random.Random(9)) == draw(settings, masks, random.Random(9))


def test_colours_are_drawn_for_the_clip_or_for_each_frame() -> None:
    ids = noise(48, 64, high=4)
    settings = replace(PLAIN, jitter=1)
    assert len(draw(settings, [ids], random.Random(0), n_frames=4).colours) == 1
    each = draw(replace(settings, jitter_per_frame=True), [ids], random.Random(0), n_frames=4)
    assert len(set(each.colours)) == 4
    frames = apply_to_frames(each, [noise(48, 64, 3)] * 4)
    assert not torch.equal(frames[0], frames[1])
    assert draw(PLAIN, [ids], random.Random(0)).colours == (SAME,)


def test_colour_maps_do_what_they_say() -> None:
    pixels = np.array([[0.2, 0.4, 0.6], [0.5, 0.5, 0.5]], np.float32)
    np.testing.assert_allclose(recolour(pixels, SAME), pixels, atol=1e-5)
    np.testing.assert_allclose(recolour(pixels, colour_map(brightness=0.1)), pixels + 0.1, atol=1e-5)
    np.testing.assert_allclose(recolour(pixels, colour_map(contrast=1.5)), pixels * 1.5, atol=1e-5)
    luma = pixels @ LUMA
    grey = recolour(pixels, colour_map(saturation=0))
    np.testing.assert_allclose(grey, np.repeat(luma[:, None], 3, axis=1), atol=1e-5)
    turned = recolour(pixels, colour_map(hue=30))
    np.testing.assert_allclose(turned @ LUMA, luma, atol=1e-5)
    np.testing.assert_allclose(turned[1], pixels[1], atol=1e-5)
    assert np.abs(turned[0] - pixels[0]).max() > 0.05
    np.testing.assert_allclose(recolour(turned, colour_map(hue=-30)), pixels, atol=1e-5)


def test_pixels_stay_in_range() -> None:
    settings = replace(PLAIN, jitter=1)
    for seed in range(30):
        frame = noise(48, 64, 3, seed=seed)
        view = draw(settings, [noise(48, 64)], random.Random(seed))
        seen = apply_to_frames(view, [frame])
        assert 0 <= float(seen.min()) <= float(seen.max()) <= 1
