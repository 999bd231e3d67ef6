"""Both systems at test size."""

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.registry import build_model
from openvss.models.stseg.early import REJECTED
from openvss.models.stseg.loss import binary_loss
from openvss.models.stseg.presets import SEDOptions, STSegOptions
from openvss.models.stseg.sed import SED
from openvss.models.stseg.stseg import STSeg
from openvss.segmenting.segmenter import Segmenter
from openvss.words.vocabulary import Vocabulary
from tests.models.stseg.stand_in import StandInPair, StandInSam
from tests.models.suite import WORDS, VideoModelSuite, as_frames, video

SMALL = SEDOptions(templates="plain", square=None, width=64)


def sed(**options: Any) -> SED:
    torch.manual_seed(0)
    return SED(StandInPair(), replace(SMALL, **options)).eval()


class TestSED(VideoModelSuite):
    def build(self) -> VideoModel:
        return SED(StandInPair(), SMALL)


PUBLISHED = {"pair": "clip-convnext-nano", "templates": "short", "square": None, "width": 64}


class TestPreset(VideoModelSuite):
    """The published system with a small pair."""

    def build(self) -> VideoModel:
        return build_model("sed-b", PUBLISHED)


class TestSTSegPreset(VideoModelSuite):
    """The same with a small SAM."""

    def build(self) -> VideoModel:
        return build_model("stseg-b", PUBLISHED | {"sam": "nano"})


class TestSquashed(VideoModelSuite):
    def build(self) -> VideoModel:
        return SED(StandInPair(), replace(SMALL, square=64))


class TestRejecting(VideoModelSuite):
    def build(self) -> VideoModel:
        return SED(StandInPair(), replace(SMALL, topk=2))


class TestSTSeg(VideoModelSuite):
    def build(self) -> VideoModel:
        return STSeg(StandInPair(), StandInSam(), STSegOptions(**vars(SMALL), heads=4))


def test_squashing_is_a_change_of_size_before_the_encoder() -> None:
    frames = video(2, 50, 90)
    words = sed().embed(Vocabulary.parse(WORDS))
    with torch.no_grad():
        squashed = sed(square=64)(frames[:, None], words).logits
        by_hand = sed()(F.interpolate(frames, (64, 64), mode="bilinear")[:, None], words).logits
    assert squashed.shape == (2, 6, 16, 16)
    torch.testing.assert_close(squashed, by_hand)


def test_the_loss_has_four_outputs_and_the_authors_way_with_unlabelled_pixels() -> None:
    words = sed().embed(Vocabulary.parse(WORDS))
    labels = torch.full((1, 64, 96), 255)
    for official in (False, True):
        model = sed(official=official).train()
        terms = model.loss(model(video(1)[None], words), labels)
        assert set(terms) == {"loss", "early0", "early1", "early2"}
        assert all((term > 0) == official for term in terms.values())


def test_official_inference_resizes_probabilities() -> None:
    words = sed().embed(Vocabulary.parse(WORDS))
    with torch.no_grad():
        logits, probabilities = (sed(official=o)(video(1)[None], words).logits for o in (False, True))
    torch.testing.assert_close(probabilities, logits.sigmoid())


def test_smoothing_steadies_what_stands_still_and_leaves_what_moves() -> None:
    model = sed(smoothing=0.9)
    still = video(1).expand(2, -1, -1, -1) + torch.tensor([0.0, 0.02])[:, None, None, None]
    first, second = (model.encode(frame[None]) for frame in still)
    _, memory = model.fuse(first, ())
    fused, _ = model.fuse(second, (), memory=memory)
    raw, before = F.normalize(second["dense"], dim=1), F.normalize(first["dense"], dim=1)
    assert (fused["dense"] - before).norm() < 0.5 * (raw - before).norm()
    other = {"dense": -before}
    torch.testing.assert_close(model.fuse(second, (), memory=other)[0]["dense"], raw)


def test_smoothing_keeps_one_map_and_resumes_exactly() -> None:
    model = sed(smoothing=0.9)
    segmenter = Segmenter(model, WORDS, size=64, device="cpu")
    sizes = set()
    for frame in as_frames(video(5)):
        segmenter.step(frame)
        sizes.add(segmenter.state.nbytes)
    assert len(sizes) == 1
    VideoModelSuite().test_skipping_finished_frames_changes_nothing(model, 6)


@pytest.mark.parametrize("topk", [None, 3])
def test_the_model_runs_on_hundreds_of_words_part_by_part(topk: int | None) -> None:
    model, small = sed(topk=topk), sed(topk=topk, workspace=4)
    assert (model.decoder.workspace, small.decoder.workspace) == (1 << 26, 1 << 20)
    small.load_state_dict(model.state_dict())
    words = model.embed(Vocabulary.parse(", ".join(f"word {i}" for i in range(847))))
    with torch.no_grad():
        whole = model(video(1)[None], words).logits
        parts = small(video(1)[None], words).logits
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)


def test_early_rejection_in_training_drops_the_words_that_inference_drops_first() -> None:
    model = sed(topk=1, rejecting=1.0)
    words = model.embed(Vocabulary.parse(", ".join(f"word {i}" for i in range(40))))
    frames = torch.stack([*video(1), torch.rand(3, 64, 96)])[:, None]
    with torch.no_grad():
        at_inference = dropped(model(frames, words).logits)
    output = model.train()(frames, words)
    # Before the first attention, which works on smaller maps in training, both see the same.
    first = dropped(output.aux["early1"])
    assert first.any()
    assert (at_inference | ~first).all()
    assert (dropped(output.logits) | ~first).all()
    alone = [model(frame[None], words) for frame in frames]  # each image has words of its own
    torch.testing.assert_close(output.logits, torch.cat([one.logits for one in alone]))
    for name, scores in output.aux.items():
        torch.testing.assert_close(scores, torch.cat([one.aux[name] for one in alone]))
    total = torch.stack(list(model.loss(output, torch.zeros(2, 64, 96, dtype=torch.long)).values())).sum()
    total.backward()
    assert torch.isfinite(total)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.decoder.parameters())


def dropped(logits: torch.Tensor) -> torch.Tensor:
    """(B, N)."""
    return logits.flatten(2).amax(2) == REJECTED


@pytest.mark.parametrize(
    ("option", "value"),
    [("rejecting", 2.0), ("rejecting", -0.1), ("topk", 0), ("topk", -1), ("workspace", 0)],
)
def test_options_are_checked(option: str, value: float) -> None:
    with pytest.raises(InputError, match=f"^{option} is "):
        sed(**{option: value})


@pytest.mark.parametrize("other", [{"rejecting": 0.5}, {"official": True}])
def test_rivals_go_with_none_of_seds_habits(other: dict[str, object]) -> None:
    with pytest.raises(InputError, match="leave official and rejecting out"):
        sed(rivals=True, **other)


def test_a_true_word_that_was_dropped_counts_for_nothing() -> None:
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    masked = logits.index_fill(1, torch.tensor([1]), REJECTED)
    labels = torch.randint(0, 3, (2, 8, 8))
    expected = [binary_loss(logits[:, [i]], torch.where(labels == i, 0, 1)) for i in (0, 2)]
    torch.testing.assert_close(binary_loss(masked, labels), torch.stack(expected).sum() / 3)


def test_training_rejects_nothing_unless_told_to() -> None:
    words = sed().embed(Vocabulary.parse(WORDS))
    plain, topk = (sed(topk=t).train()(video(1)[None], words) for t in (None, 1))
    assert torch.equal(plain.logits, topk.logits)
    assert (plain.logits > REJECTED).all()
    torch.manual_seed(0)
    model = sed(topk=1, rejecting=0.5).train()
    some = {bool((model(video(1)[None], words).logits == REJECTED).any()) for _ in range(12)}
    assert some == {True, False}
