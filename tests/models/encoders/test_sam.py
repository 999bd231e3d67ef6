"""SAM: prompts in batches give what transformers gives one by one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from openvss.models.encoders.pixels import IMAGENET_MEAN, IMAGENET_STD
from openvss.models.encoders.sam import CHUNK, Sam, closest
from openvss.weights.sam import sam as renamed


@pytest.fixture(scope="module")
def sam() -> Sam:
    torch.manual_seed(0)
    sam = Sam("nano")
    with torch.no_grad():  # larger than at the start, so that masks differ by more than rounding
        for parameter in sam.sam.mask_decoder.parameters():
            parameter += torch.randn_like(parameter) * 0.2
    return sam


@pytest.fixture(scope="module")
def frames() -> Tensor:
    return torch.rand(2, 3, 50, 70, generator=torch.Generator().manual_seed(1))


def square(sam: Sam, frames: Tensor) -> Tensor:
    small = torch.nn.functional.interpolate(frames, (sam.side, sam.side), mode="bilinear")
    return (small - torch.tensor(IMAGENET_MEAN).view(3, 1, 1)) / torch.tensor(IMAGENET_STD).view(3, 1, 1)


def test_points_as_transformers_takes_them(sam: Sam, frames: Tensor) -> None:
    points = torch.rand(3, 2, 2, generator=torch.Generator().manual_seed(2))
    drawn, score = sam.draw(sam(frames[:1]), points=points, several=True)
    with torch.no_grad():
        whole = sam.sam(square(sam, frames[:1]), input_points=points[None] * sam.side - 0.5)
    torch.testing.assert_close(drawn, whole.pred_masks[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(score, whole.iou_scores[0], atol=1e-5, rtol=1e-5)


def test_boxes_as_transformers_takes_them(sam: Sam, frames: Tensor) -> None:
    boxes = torch.tensor([[0.1, 0.2, 0.6, 0.9], [0.0, 0.0, 1.0, 0.5]])
    drawn, _ = sam.draw(sam(frames[:1]), boxes=boxes)
    with torch.no_grad():
        whole = sam.sam(
            square(sam, frames[:1]), input_boxes=boxes[None] * sam.side - 0.5, multimask_output=False
        )
    torch.testing.assert_close(drawn, whole.pred_masks[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kinds", ["masks", "masks boxes", "masks points", "points boxes", "points"])
def test_a_prompt_does_not_see_its_neighbours(sam: Sam, frames: Tensor, kinds: str) -> None:
    n = CHUNK + 3
    generator = torch.Generator().manual_seed(3)
    prompts = {
        "points": torch.rand(n, 1, 2, generator=generator),
        "boxes": torch.rand(n, 4, generator=generator).sort(1).values,
        "masks": torch.randn(n, 1, sam.mask_side, sam.mask_side, generator=generator) * 6,
    }
    prompts = {kind: value for kind, value in prompts.items() if kind in kinds.split()}
    image = sam(frames[1:])
    drawn, score = sam.draw(image, **prompts, several=True)
    assert drawn.shape == (n, 3, sam.mask_side, sam.mask_side)
    for i in (0, CHUNK - 1, CHUNK, n - 1):
        alone, its_score = sam.draw(image, **{k: v[i : i + 1] for k, v in prompts.items()}, several=True)
        torch.testing.assert_close(drawn[i : i + 1], alone, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(score[i : i + 1], its_score, atol=1e-4, rtol=1e-4)
    assert (drawn[0] - drawn[-1]).abs().max() > 1e-3


def test_no_prompts_no_masks(sam: Sam, frames: Tensor) -> None:
    drawn, score = sam.draw(sam(frames[:1]), boxes=torch.zeros(0, 4))
    assert drawn.shape == (0, 1, sam.mask_side, sam.mask_side)
    assert score.shape == (0, 1)
    with pytest.raises(ValueError, match="give points"):
        sam.draw(sam(frames[:1]))


def test_masks_of_another_size_are_refused(sam: Sam, frames: Tensor) -> None:
    """The network would take them and draw nonsense."""
    with pytest.raises(ValueError, match="masks are"):
        sam.draw(sam(frames[:1]), masks=torch.zeros(1, 1, 24, 24))


def test_stays_frozen(sam: Sam) -> None:
    parent = torch.nn.ModuleDict({"sam": sam}).train()
    assert not any(module.training for module in parent["sam"].modules())
    assert not any(p.requires_grad for p in sam.parameters())


def test_closest_candidate() -> None:
    prompt = torch.zeros(1, 1, 4, 4) - 1
    prompt[..., :2] = 1
    candidates = torch.zeros(1, 3, 4, 4) - 1
    candidates[0, 0, :, :] = 5
    candidates[0, 1, :, :3] = 1
    candidates[0, 2, :, :1] = 1
    assert torch.equal(closest(candidates, prompt)[0], candidates[0, 1])  # 2/3 beats 1/2 and 1/2


def test_weights_as_transformers_saves_them(sam: Sam, frames: Tensor) -> None:
    """The table of positions may be in the file once or twice."""
    state = sam.sam.state_dict()
    for missing in ("shared_image_embedding", "prompt_encoder.shared_embedding", "nothing"):
        other = Sam("nano")
        other.load_state_dict(renamed({n: v for n, v in state.items() if not n.startswith(missing)}))
        assert torch.equal(other(frames), sam(frames))
