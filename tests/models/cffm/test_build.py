from __future__ import annotations

import pytest
import torch
from torch import nn

from openvss.models.cffm.geometry import COARSE, FINE, MIDDLE, by_rank
from openvss.models.cffm.model import CFFM
from openvss.models.registry import build_model, options_of


def millions(name: str, **options: object) -> float:
    with torch.device("meta"):
        model: nn.Module = build_model(name, options)
    return sum(p.numel() for p in model.parameters()) / 1e6


@pytest.mark.parametrize(
    ("size", "segformer", "cffm"),
    [("b0", 3.8, 4.67), ("b1", 13.8, 15.48), ("b2", 24.8, 26.53), ("b5", 82.1, 85.47)],
)
def test_parameters_are_those_of_the_authors(size: str, segformer: float, cffm: float) -> None:
    assert round(millions(f"cffm-{size}", official=True), 2) == cffm
    assert millions(f"segformer-{size}") == pytest.approx(segformer, abs=0.12)  # published


# Of a global layer of the authors, what nothing reads: keys and values of the target, a second output
# projection, and the bias of 13 x 13 positions for 8 heads.
UNREAD = 3 * (256 + 1) * 256 + 13 * 13 * 8


@pytest.mark.parametrize(
    ("size", "layers", "theirs", "published"),
    [("b0", 1, 5.69, 5.7), ("b1", 1, 16.50, 16.5), ("b2", 2, 28.54, 28.5), ("b5", 2, 87.48, 87.5)],
)
def test_parameters_of_cffm_plusplus(size: str, layers: int, theirs: float, published: float) -> None:
    counted = millions(f"cffm++-{size}", official=True) + layers * UNREAD / 1e6
    assert round(counted, 2) == theirs
    assert round(counted, 1) == published


@pytest.mark.parametrize(("size", "local", "both"), [("b0", 4.58, 5.37), ("b1", 15.39, 16.18)])
def test_parameters_on_cityscapes(size: str, local: float, both: float) -> None:
    found = [millions(f"{name}-{size}", words="cityscapes") for name in ("cffm", "cffm++")]
    assert found == pytest.approx([local, both], abs=0.006)


def test_without_the_classifier_that_nothing_reads() -> None:
    assert millions("cffm-b1", official=True) - millions("cffm-b1") == pytest.approx((128 + 1) * 124 / 1e6)


def test_checkpoints_do_not_hold_what_nothing_reads() -> None:
    small = {"backbone": "mit-nano", "words": "a, b", "dim": 16, "heads": 2}
    ours, theirs = build_model("cffm-b1", small), build_model("cffm-b1", {**small, "official": True})
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    theirs.load_state_dict(ours.state_dict(), strict=True)


def test_references_are_pooled_by_rank() -> None:
    assert by_rank(0) == by_rank(3) == (COARSE, MIDDLE, FINE)
    assert by_rank(1) == (FINE,)
    assert by_rank(5) == (COARSE, COARSE, COARSE, MIDDLE, FINE)


def test_any_words_with_a_text_encoder() -> None:
    options = {"backbone": "mit-nano", "text": "clip-nano", "layers": 1, "dim": 16, "heads": 2}
    model = build_model("cffm-b1", options)
    assert isinstance(model, CFFM)
    assert model.fixed_words is None
    assert model.text is not None
    assert any("text_weights" in name for name in model.state_dict())
    assert not any(p.requires_grad for p in model.text_weights.parameters())


def test_numbers_of_the_paper() -> None:
    for size, layers in {"b0": 1, "b1": 2, "b2": 2, "b3": 2, "b4": 4, "b5": 4}.items():
        options = options_of(f"cffm++-{size}")
        assert (options["layers"], options["global_layers"]) == (layers, 1 if size in ("b0", "b1") else 2)
        assert (options["prototypes"], options["frames"], options["weight"]) == (100, 10, 0.5)
        assert options_of(f"cffm-{size}") == {**options, "global_layers": 0}
