"""What reaches the output: each earlier frame has a share of it, before anything is trained."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from openvss.models.ov2vss.features import unpack, views
from openvss.models.ov2vss.model import OV2VSS
from tests.models.ov2vss.stand_ins import Pyramid, small, textured, words

SMALLEST = 0.3  # share of the weakest reference, beside that of the strongest
BUILDS: dict[str, dict[str, Any]] = {
    "linear": {},
    "softmax": {"affinity": "softmax"},
    "unshared": {"shared": False},
    "paper": {"paper_mode": True},
}


def open_model(plain: bool = False, **options: Any) -> OV2VSS:
    """Untrained."""
    torch.manual_seed(0)
    wide = {"channels": 64, "heads": 4, "regions": 8, **options}
    return small(Pyramid((8, 8, 8, 8), (16, 16, 16, 16)) if plain else None, **wide).eval()


def change(now: Tensor, before: Tensor) -> float:
    """Relative to how much it differs from position to position."""
    return float((now - before).norm() / (before - before.mean((2, 3), keepdim=True)).norm())


def short_term(model: OV2VSS, clip: Tensor) -> Tensor:
    """What STCF gives for frames (4, 3, H, W)."""
    assert model.stcf is not None
    *references, target = (views(model.encode(frame[None])) for frame in clip)
    return model.stcf(target, model.stcf.past(references)).float()


def shares(change_of: list[float]) -> list[float]:
    return [one / max(change_of) for one in change_of]


@pytest.mark.parametrize("size", [(96, 128), (192, 256)])
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("build", BUILDS)
def test_every_reference_has_its_share(build: str, plain: bool, size: tuple[int, int]) -> None:
    model = open_model(plain, **BUILDS[build])
    clip, other, distant = textured(4, size, 1), textured(1, size, 2), textured(1, size, 3)
    own = words(model)
    with torch.no_grad():
        fused, logits = short_term(model, clip), model(clip[None], own, distant[None]).logits
        in_stcf, in_logits = [], []
        for i in range(3):
            replaced = torch.cat([clip[:i], other, clip[i + 1 :]])
            in_stcf.append(change(short_term(model, replaced), fused))
            in_logits.append(change(model(replaced[None], own, distant[None]).logits, logits))
    assert min(in_stcf) > 0.1
    assert min(shares(in_stcf)) > SMALLEST
    assert min(shares(in_logits)) > SMALLEST


@pytest.mark.parametrize("build", BUILDS)
def test_every_reference_has_its_share_in_half_precision(build: str) -> None:
    model = open_model(**BUILDS[build])
    clip, other = textured(4, (96, 128), 1), textured(1, (96, 128), 2)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        fused = short_term(model, clip)
        each = [
            change(short_term(model, torch.cat([clip[:i], other, clip[i + 1 :]])), fused) for i in range(3)
        ]
    assert min(each) > 0.1
    assert min(shares(each)) > SMALLEST


def test_the_recurrent_memory_keeps_what_was_seen() -> None:
    """Each of the last three frames has its share, through one memory as well."""
    model = open_model(recurrent=True)
    assert model.stcf is not None
    clip, other = textured(4, (96, 128), 1), textured(1, (96, 128), 2)

    def last(frames: Tensor) -> Tensor:
        assert model.stcf is not None
        *references, target = (views(model.encode(frame[None])) for frame in frames)
        carried = [view.pooled for view in references[0]]
        for frame in references[1:]:
            carried = model.stcf.carry(frame, model.stcf.recall(carried))
        return model.stcf(target, model.stcf.recall(carried))

    with torch.no_grad():
        each = [change(last(torch.cat([clip[:i], other, clip[i + 1 :]])), last(clip)) for i in range(3)]
    assert min(shares(each)) > SMALLEST


@pytest.mark.parametrize("factor", [1e-2, 1.0, 1e2])
def test_what_a_hop_hands_on_has_unit_scale(factor: float) -> None:
    """Whatever the scale of the features, and whatever the size of the frame."""
    model = open_model()
    assert model.stcf is not None
    for size in ((96, 128), (192, 256)):
        frames = [model.encode(frame[None]) for frame in textured(2, size, 1)]
        for frame in frames:
            for name in frame:
                if name[0] in "up":
                    frame[name] = factor * frame[name]
        carried = model.stcf.carry(views(frames[1]), model.stcf.recall(unpack(frames[0])))
        for scale in carried:
            tokens = torch.cat([x.flatten(2) for x in scale], dim=2)
            assert tokens.mean(2).abs().max() < 1e-4
            assert tokens.std(2, correction=0).min() > 0.8
            assert tokens.std(2, correction=0).max() < 1.01


def test_what_all_places_share_costs_no_digits() -> None:
    """In half precision, on features that are nearly the same everywhere: what is handed on stays right."""
    model = open_model()
    assert model.stcf is not None
    frames = [model.encode(frame[None]) for frame in textured(2, (96, 128), 1)]
    for frame in frames:
        for name, x in frame.items():
            frame[name] = x + 30.0
    past = model.stcf.recall(unpack(frames[0]))
    exact = model.stcf.carry(views(frames[1]), past)
    with torch.autocast("cpu", torch.bfloat16):
        half = model.stcf.carry(views(frames[1]), past)
    for scale, other in zip(exact, half, strict=True):
        errors = [(a - b).norm() / a.norm() for a, b in zip(scale, other, strict=True)]
        assert max(errors) < 0.05


def test_paper_mode_sees_the_target() -> None:
    """Without residuals all that is known of the target passes STCF and RFE: it differs between places."""
    model = open_model(paper_mode=True)
    clip, distant = textured(4, (96, 128), 1), textured(1, (96, 128), 3)
    features = [model.encode(frame[None]) for frame in clip]
    assert model.rfe is not None
    regions = model.summarise(model.compact(model.encode(distant)))["regions"]
    o, _ = model._short_term(features[-1], [model.compact(f) for f in features[:-1]], None)
    for x in (o, model._long_term(o, regions)):
        spread = (x - x.mean((2, 3), keepdim=True)).std()
        assert spread > 0.1


def test_regions_are_parts_of_the_frame() -> None:
    """Eq. 9: tokens vary by 1 in each channel; means of all of them would not vary at all."""
    model = open_model()
    assert model.rfe is not None
    tokens = model.rfe.tokens(unpack(model.encode(textured(1, (96, 128), 3))))
    torch.testing.assert_close(tokens.std(1, correction=0), torch.ones_like(tokens[:, 0]), atol=1e-3, rtol=0)
    assert model.rfe.regions(tokens).std(1).mean() > 0.4


def test_words_hear_of_the_frame_from_the_first_step() -> None:
    """Eq. 11: what a word becomes depends on what it looks at."""
    model = open_model()
    assert model.vte is not None
    a, b = (model.encode(frame[None])["dense"][:, None] for frame in textured(2, (96, 128), 1))
    text = words(model).embeddings
    refined = [model.vte(text, *model.vte.look(dense)) for dense in (a, b)]
    assert (refined[0] - text).norm() > 0.02 * text.norm()
    assert (refined[0] - refined[1]).norm() > 0.002 * text.norm()


def test_the_distant_frame_has_its_share() -> None:
    model, own = open_model(), words(open_model())
    clip, a, b = textured(4, (96, 128), 1), textured(1, (96, 128), 2), textured(1, (96, 128), 3)
    with torch.no_grad():
        logits = model(clip[None], own, a[None]).logits
        other = textured(1, (96, 128), 9)
        nearest = change(model(torch.cat([clip[:2], other, clip[3:]])[None], own, a[None]).logits, logits)
        distant = change(model(clip[None], own, b[None]).logits, logits)
    assert distant > SMALLEST * nearest


def test_main_and_auxiliary_loss_start_with_gradients_of_one_size() -> None:
    """Of what both train: the backbone, its projections, STCF."""
    model = small(channels=32, heads=4).train()
    clip, own = textured(4, (96, 128), 1)[None], words(model)
    labels = torch.randint(0, 6, (1, 96, 128), generator=torch.Generator().manual_seed(0))
    terms = model.loss(model(clip, own, textured(1, (96, 128), 3)[None]), labels)
    shared = [
        p
        for name, p in model.named_parameters()
        if name.split(".")[0] in ("backbone", "down", "stcf", "merge")
    ]
    norms = []
    for term in terms.values():
        found = torch.autograd.grad(term, shared, retain_graph=True, allow_unused=True)
        norms.append(torch.stack([g.norm() for g in found if g is not None]).norm())
    assert 1 / 3 < norms[0] / norms[1] < 3
