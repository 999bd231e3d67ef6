from __future__ import annotations

import pytest
import torch
from torch import nn

from openvss.models.cffm.build import build, roles
from openvss.models.cffm.geometry import COARSE, FINE, MIDDLE
from openvss.models.presets import build_model


def millions(name: str) -> float:
    with torch.device("meta"):
        model: nn.Module = build_model(name)
    return sum(p.numel() for p in model.parameters()) / 1e6


@pytest.mark.parametrize(
    ("size", "segformer", "cffm"),
    [("b0", 3.8, 4.67), ("b1", 13.8, 15.48), ("b2", 24.8, 26.53), ("b5", 82.1, 85.47)],
)
def test_parameters_are_those_of_the_authors(size: str, segformer: float, cffm: float) -> None:
    """The authors' heads carry one more classifier, 128 channels wide, that they never use."""
    unused = (128 + 1) * 124 / 1e6
    assert round(millions(f"cffm-{size}") + unused, 2) == cffm
    assert millions(f"segformer-{size}") == pytest.approx(segformer, abs=0.12)  # published


def test_references_are_pooled_by_rank() -> None:
    assert roles(0) == roles(3) == (COARSE, MIDDLE, FINE)
    assert roles(1) == (FINE,)
    assert roles(5) == (COARSE, COARSE, COARSE, MIDDLE, FINE)


def test_any_words_with_a_text_encoder() -> None:
    model = build("mit-nano", text="clip-nano", layers=1, dim=16, heads=2)
    assert model.fixed_words is None
    assert model.text is not None
    assert any("text_weights" in name for name in model.state_dict())
    assert not any(p.requires_grad for p in model.text_weights.parameters())
