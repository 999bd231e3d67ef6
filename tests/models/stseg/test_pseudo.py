"""Gate, prompts and the making of labels, on masks small enough to see."""

import pytest
import torch
from torch import Tensor

from openvss.models.encoders.sam import Sam, mean_colour
from openvss.models.stseg.gate import Gate
from openvss.models.stseg.priors import PromptMode, region_prior, sam_prior
from openvss.models.stseg.prompts import LIMIT, parts_with_boxes, whole_masks
from openvss.models.stseg.pseudo import NOWHERE, UNLABELLED, Refinement, Sight, merge, overlap

SEEN = Sight(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8))


def squares() -> Tensor:
    """Probabilities (4, 8, 8): a sure half, a sure speck, an unsure half, nothing."""
    p = torch.full((4, 8, 8), 0.05)
    p[0, :, :4] = 0.8
    p[0, 0, 0] = 0.95
    p[1, 7, 7] = 0.99
    p[2, :, 4:] = 0.89
    return p


def test_gate_takes_words_with_one_sure_position_and_enough_area() -> None:
    ids, confidence = Gate(smallest=4 / 64).passing(squares())
    assert ids.tolist() == [0]
    torch.testing.assert_close(confidence, torch.tensor([0.95]))


def test_gate_without_least_area_takes_the_speck_too() -> None:
    assert Gate(smallest=0).passing(squares())[0].tolist() == [0, 1]


def test_gate_of_the_paper() -> None:
    """Confidence above 0.9, not at it; at least 64 of 192 x 192 positions, each more likely than not."""
    assert Gate() == Gate(threshold=0.9, score="highest", smallest=64 / 192**2)
    p = torch.full((4, 8, 8), 0.05)
    p[0, :, :4], p[0, 0, 0] = 0.625, 0.75  # as confident as the threshold, no more
    p[1, :, :4], p[1, 0, 0] = 0.625, 0.875  # more, on half of the picture
    p[2, :, :3], p[2, 0, 0] = 0.625, 0.875  # more, on less
    p[3, :, :4], p[3, 0, 0] = 0.5, 0.875  # more, but nowhere else more likely than not
    assert Gate(threshold=0.75, smallest=0.5).passing(p)[0].tolist() == [1]


def test_gate_scores() -> None:
    p = squares()
    assert Gate(score="mask").confidence(p)[0].item() == pytest.approx((0.95 + 31 * 0.8) / 32)
    assert Gate(score="mask").confidence(p)[3].item() == 0
    wide = p.repeat_interleave(24, 1).repeat_interleave(24, 2)  # 192 x 192: the 64 best positions count
    assert Gate(score="best").confidence(wide)[0].item() == pytest.approx(0.95)
    assert Gate(score="highest").confidence(p).tolist() == pytest.approx([0.95, 0.99, 0.89, 0.05])


def test_a_prompt_for_each_part_with_its_box() -> None:
    logits = torch.full((2, 64, 64), -1.0)
    logits[0, 8:24, 8:28] = 1.0
    logits[0, 40:64, 32:64] = 5.0
    logits[1, 0, 0] = 3.0  # a speck
    prompts = parts_with_boxes(logits, 64)
    assert prompts.words.tolist() == [0, 0]
    assert prompts.masks.shape == (2, 1, 64, 64)
    large, small = prompts.masks[:, 0]
    assert large[55, 50] == LIMIT
    assert large[30, 30] == -LIMIT
    assert small[16, 16] == 4.0
    assert small[55, 50] == -LIMIT  # of the other part
    assert prompts.boxes is not None
    # Margins of a twentieth of 20 columns and 16 rows.
    assert (prompts.boxes[1] * 64).tolist() == pytest.approx([7.0, 7.2, 29.0, 24.8])
    assert (prompts.boxes[0] * 64).tolist() == pytest.approx([30.4, 38.8, 64.0, 64.0])


def stripes() -> Tensor:
    """Logits (1, 64, 64): ten parts, each wider than the one above it, and a speck."""
    logits = torch.full((1, 64, 64), -1.0)
    for i in range(10):
        logits[0, 6 * i : 6 * i + 4, : 10 + i] = 1.0
    logits[0, 62, 62] = 1.0
    return logits


def test_the_largest_parts_are_prompts() -> None:
    prompts = parts_with_boxes(stripes(), 64)
    assert (prompts.masks[:, 0] > 0).sum((1, 2)).tolist() == [4 * width for width in range(19, 11, -1)]
    assert prompts.rest is not None
    expected = torch.zeros(1, 64, 64, dtype=torch.bool)
    expected[0, :4, :10] = expected[0, 6:10, :11] = True
    assert torch.equal(prompts.rest, expected)


def test_parts_beyond_the_largest_keep_the_models_mask() -> None:
    class Nothing:
        """Draws nothing anywhere."""

        mask_side = 64

        def __call__(self, frames: Tensor) -> Tensor:
            return frames

        def draw(self, image: Tensor, points: None, boxes: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
            return torch.full_like(masks, -9.0), torch.ones(len(masks))

    logits = stripes()
    refined = sam_prior(Nothing())(SEEN, logits)  # type: ignore[arg-type]
    assert torch.equal(refined[0, :4], torch.where(logits[0, :4] > 0, 1.0, -9.0))
    assert torch.equal(refined[0, 6:10], torch.where(logits[0, 6:10] > 0, 1.0, -9.0))
    assert (refined[0, 12:] == -9.0).all()  # specks are left out


def test_no_masks_no_prompts() -> None:
    nothing = parts_with_boxes(torch.full((2, 8, 8), -1.0), 16)
    assert nothing.masks.shape == (0, 1, 16, 16)
    assert nothing.boxes is not None
    assert nothing.boxes.shape == (0, 4)


def test_the_papers_prompts_are_whole_masks() -> None:
    prompts = whole_masks(torch.full((3, 8, 8), 0.5), 16)
    assert prompts.boxes is None
    assert prompts.words.tolist() == [0, 1, 2]
    torch.testing.assert_close(prompts.masks, torch.full((3, 1, 16, 16), 2.0))


def test_merging_takes_the_most_likely_word_and_leaves_the_rest_unlabelled() -> None:
    logits = torch.tensor([[[3.0, 1.0, -1.0]], [[-2.0, 2.0, -3.0]]])
    ids = merge(logits, torch.tensor([7, 9]), torch.tensor([0.95, 0.91]), (1, 3))
    assert ids.tolist() == [[7, 9, UNLABELLED]]
    # By pixel: sigmoid(1) x 0.99 = 0.724 beats sigmoid(2) x 0.5 = 0.440.
    assert merge(logits, torch.tensor([7, 9]), torch.tensor([0.99, 0.5]), (1, 3)).tolist() == [[7, 7, -1]]


def test_overlap() -> None:
    a = torch.tensor([[[1, 1, 0, 0]], [[0, 0, 0, 0]]], dtype=torch.bool)
    b = torch.tensor([[[0, 1, 1, 0]], [[0, 0, 0, 0]]], dtype=torch.bool)
    torch.testing.assert_close(overlap(a, b), torch.tensor([1 / 3, 0.0]))


@pytest.mark.parametrize("drop", [False, True])
def test_a_mask_that_drifts_is_not_believed(drop: bool) -> None:
    def elsewhere(sight: Sight, logits: Tensor) -> Tensor:
        return logits.flip(-1)

    refine = Refinement(Gate(smallest=4 / 64), prior=elsewhere, drop=drop)
    found = refine(SEEN, squares())
    assert found.drifted.tolist() == [True]
    expected = torch.full((8, 8), UNLABELLED)
    assert torch.equal(found.ids, expected) == drop
    expected[:, :4] = 0
    torch.testing.assert_close(found.before, expected)
    if not drop:
        torch.testing.assert_close(found.ids, expected)


def test_a_refined_mask_that_stays_is_taken() -> None:
    def wider(sight: Sight, logits: Tensor) -> Tensor:
        refined = torch.full_like(logits, -9.0)
        refined[..., :6] = 9.0
        return refined

    found = Refinement(Gate(smallest=4 / 64), prior=wider)(SEEN, squares())
    assert not found.drifted.any()
    assert (found.ids == 0).sum() == 48


def test_nothing_sure_leaves_everything_unlabelled() -> None:
    found = Refinement(prior=lambda sight, logits: logits)(SEEN, torch.full((3, 8, 8), 0.4))
    assert found.ids.unique().tolist() == [UNLABELLED]
    assert len(found.words) == 0


def test_regions_take_the_mean_of_their_pixels() -> None:
    regions = torch.zeros(1, 8, 8, dtype=torch.long)
    regions[..., 5:] = 2  # 1 is unused
    p = squares()[:1]
    refined = region_prior(lambda frames: regions)(SEEN, p.logit()).sigmoid()
    assert refined[0, 3, 2].item() == pytest.approx(p[0, :, :5].mean().item(), abs=1e-5)
    assert refined[0, 3, 7].item() == pytest.approx(0.05, abs=1e-5)


@pytest.fixture
def sam() -> Sam:
    torch.manual_seed(0)
    return Sam("nano")


@pytest.mark.parametrize("mode", ["mask+box", "mask+point", "mask"])
def test_sam_draws_a_mask_for_each_word(sam: Sam, mode: PromptMode) -> None:
    logits = squares()[[0, 2]].logit()
    refined = sam_prior(sam, mode)(Sight(torch.rand(1, 3, 40, 60), SEEN.small), logits)
    assert refined.shape == (2, round(sam.mask_side * 40 / 60), sam.mask_side)
    assert torch.isfinite(refined).all()


def test_sam_sees_the_picture_once_as_it_came_and_masks_where_they_are_in_it() -> None:
    """A square of red beyond the middle of a wide picture, and SAM draws what is red."""
    seen: list[Tensor] = []

    class Red:
        mask_side = 64

        def __call__(self, frames: Tensor) -> Tensor:
            seen.append(frames)
            return frames

        def draw(self, image: Tensor, points: None, boxes: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
            asked.append((boxes, masks))
            shrunk = torch.nn.functional.interpolate(image, (64, 64), mode="area")[:, :1]
            return (20 * (shrunk - 0.75)).expand(len(masks), -1, -1, -1), torch.ones(len(masks), 1)

    asked: list[tuple[Tensor, Tensor]] = []
    whole = torch.zeros(1, 3, 96, 128)
    whole[0, 0, 32:64, 80:112] = 1
    logits = torch.full((1, 12, 16), -2.0)
    logits[0, 3:9, 9:15] = 2.0  # a little more than the square
    refined = sam_prior(Red())(Sight(whole, whole[..., ::4, ::4]), logits)  # type: ignore[arg-type]
    (picture,) = seen
    assert picture.shape == (1, 3, 128, 128)
    assert torch.equal(picture[..., :96, :], whole)
    assert (picture[0, :, 96:] == mean_colour(whole)).all()
    (boxes, masks), *_ = asked
    assert masks.shape == (1, 1, 64, 64)
    assert (masks[0, 0, 48:] == -LIMIT).all()
    margin = 0.05 * 24 / 64
    edges = [36 / 64 - margin, 12 / 64 - margin, 60 / 64 + margin, 36 / 64 + margin]
    assert boxes[0].tolist() == pytest.approx(edges)
    assert refined.shape == (1, 48, 64)
    inside = torch.zeros(48, 64, dtype=torch.bool)
    inside[16:32, 40:56] = True
    assert torch.equal(refined[0] > 0, inside)


def test_of_sams_candidates_the_one_closest_to_the_prompt_is_taken() -> None:
    class Candidates:
        """Draws the whole picture, then what the prompt shows, then nothing."""

        mask_side = 16

        def __call__(self, frames: Tensor) -> Tensor:
            return frames

        def draw(self, image: Tensor, masks: Tensor, several: bool) -> tuple[Tensor, Tensor]:
            assert several
            drawn = torch.cat([torch.full_like(masks, 9.0), masks, torch.full_like(masks, -9.0)], 1)
            return drawn, torch.tensor([[0.9, 0.1, 0.5]]).expand(len(masks), -1)

    logits = squares()[[0, 2]].logit()
    refined = sam_prior(Candidates(), "mask")(SEEN, logits)  # type: ignore[arg-type]
    torch.testing.assert_close(refined, whole_masks(logits, 16).masks[:, 0])


def test_parts_of_a_word_are_drawn_apart_and_joined(sam: Sam) -> None:
    picture, logits = torch.rand(1, 3, 40, 40), torch.full((2, 32, 32), -4.0)
    logits[0, 2:12, 2:12] = 4.0
    logits[0, 20:30, 15:30] = 4.0
    logits[1, 4, 4] = -1.0  # nothing of it is likely: SAM is not asked
    refined = sam_prior(sam)(Sight(picture, SEEN.small), logits)
    prompts = parts_with_boxes(logits, sam.mask_side)
    assert prompts.boxes is not None
    image = sam(picture)
    each = [
        sam.draw(image, boxes=prompts.boxes[i : i + 1], masks=prompts.masks[i : i + 1])[0] for i in (0, 1)
    ]
    joined = torch.cat(each)[:, 0].amax(0)
    torch.testing.assert_close(refined[0], joined.clamp(min=NOWHERE), atol=1e-5, rtol=1e-5)
    assert (refined[1] == NOWHERE).all()
