"""The losses against loops over pixels and words."""

import math
from dataclasses import replace

import pytest
import torch

from openvss.models.base import Output, VideoModel
from openvss.models.stseg.loss import binary_loss
from openvss.models.stseg.presets import SEDOptions
from openvss.models.stseg.sed import SED
from tests.models.stseg.stand_in import StandInPair
from tests.models.two_frame import TwoFrame

SMALL = SEDOptions(templates="plain", square=None, width=32)
LABELS = torch.tensor([[[0, 2, 255], [1, 1, 0]]])


def logits() -> torch.Tensor:
    return torch.randn(1, 3, 2, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("ignored", ["left out", "negative"])
@pytest.mark.parametrize("weights", [None, (0.3, 0.7, 0.3)])
def test_binary_loss(ignored: str, weights: tuple[float, ...] | None) -> None:
    """Eq. 6 on independent words: the weight of a word counts for its yes and for its no."""
    scores = logits()
    terms, pixels = 0.0, 0
    for y in range(2):
        for x in range(3):
            label = int(LABELS[0, y, x])
            if label == 255 and ignored == "left out":
                continue
            pixels += 1
            for n in range(3):
                p = 1 / (1 + math.exp(-float(scores[0, n, y, x])))
                weight = 1.0 if weights is None else weights[n]
                terms -= weight * math.log(p if n == label else 1 - p)
    loss = binary_loss(
        scores, LABELS, "negative" if ignored == "negative" else "left out",
        None if weights is None else torch.tensor(weights),
    )  # fmt: skip
    assert loss.item() == pytest.approx(terms / pixels / 3, rel=1e-5)


def test_weighted_loss_of_rival_words_is_eq_6() -> None:
    """As it is printed, but for the constant 1/N; with equal weights it is the plain loss."""
    scores, weights = logits(), torch.tensor([0.3, 0.7, 0.3])
    terms, pixels = 0.0, 0
    for y in range(2):
        for x in range(3):
            label = int(LABELS[0, y, x])
            if label != 255:
                pixels += 1
                p = math.exp(float(scores[0, label, y, x])) / float(scores[0, :, y, x].exp().sum())
                terms -= float(weights[label]) * math.log(p) / 3
    model, output = TwoFrame(), Output(scores)
    assert model.loss(output, LABELS, weights)["loss"].item() / 3 == pytest.approx(terms / pixels)
    plain = model.loss(output, LABELS)["loss"]
    torch.testing.assert_close(model.loss(output, LABELS, torch.ones(3))["loss"], plain)


def test_weighted_loss_of_sed_weighs_all_outputs() -> None:
    model = SED(StandInPair(), SMALL)
    output = Output(logits(), {"early0": logits() + 1})
    weights = torch.tensor([0.3, 0.7, 0.3])
    terms = model.loss(output, LABELS, weights)
    assert terms == {
        "loss": binary_loss(output.logits, LABELS, weights=weights),
        "early0": binary_loss(output.aux["early0"], LABELS, weights=weights),
    }
    model.official = True  # which makes negatives of unlabelled pixels where a person left them unlabelled
    assert model.loss(output, LABELS, weights) == terms


@pytest.mark.parametrize("weights", [None, torch.tensor([0.3, 0.7, 0.3])])
def test_loss_of_sed_whose_words_rival_is_eq_6_of_all_outputs(weights: torch.Tensor | None) -> None:
    model = SED(StandInPair(), replace(SMALL, rivals=True))
    output = Output(logits(), {"early0": logits() + torch.arange(3)[:, None, None], "early1": 2 * logits()})
    terms = model.loss(output, LABELS, weights)
    for name, scores in ({"loss": output.logits} | output.aux).items():
        assert terms.pop(name) == VideoModel.loss(model, Output(scores), LABELS, weights)["loss"]
    assert not terms


def test_nothing_labelled_costs_nothing() -> None:
    nothing = torch.full((1, 4, 6), 255)
    assert binary_loss(logits(), nothing) == 0
    assert TwoFrame().loss(Output(logits()), nothing, torch.ones(3))["loss"] == 0
    assert binary_loss(logits(), nothing, "negative") > 0
