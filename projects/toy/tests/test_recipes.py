"""The toy recipes: each can be read and built, alone and as the plans change it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from openvss.models.cffm.model import CFFM
from openvss.models.ov2vss.model import OV2VSS
from openvss.models.registry import build_model
from openvss.models.stseg.sed import SED
from openvss.models.stseg.stseg import STSeg
from openvss.training.optimisation import freeze, groups_of
from openvss.training.recipe.reader import read_stages
from projects.toy.data import SEEN
from projects.toy.plan import Bench

TOY = Path(__file__).parents[1]
ROOT = TOY.parents[1]  # plans name recipes as seen from here
SYSTEMS: dict[str, type[torch.nn.Module]] = {
    "cffm": CFFM,
    "ov2vss": OV2VSS,
    "stseg-many": SED,
    "stseg-stage1": SED,
    "stseg-stage2": SED,
}
PLANS = ("cffm", "frames", "frames_needed", "table3")


def built(recipe: Path, changes: list[str]) -> tuple[torch.nn.Module, set[float]]:
    """The first stage's model, without memory for its weights, and the learning rates in use."""
    stage = read_stages(recipe, changes)[0]
    with torch.device("meta"):
        model = build_model(stage.recipe.model.preset, stage.recipe.model.options)
    freeze(model, stage.recipe.model.freeze)
    return model, {group.lr for group in groups_of(model, stage.recipe.optimiser)}


def test_no_recipe_is_forgotten() -> None:
    assert {file.stem for file in (TOY / "recipes").glob("*.yaml")} == set(SYSTEMS)


@pytest.mark.parametrize("recipe", SYSTEMS)
def test_recipes(recipe: str) -> None:
    model, rates = built(TOY / "recipes" / f"{recipe}.yaml", [])
    assert isinstance(model, SYSTEMS[recipe])
    assert len(rates) == 2  # encoders learn slower
    assert sum(p.numel() for p in model.parameters()) < 1_000_000


def test_cffm_has_one_layer_and_the_words_of_the_videos() -> None:
    recipe = TOY / "recipes" / "cffm.yaml"
    model, _ = built(recipe, [])
    assert isinstance(model, CFFM)
    assert len(model.layers) == 1
    (stage,) = read_stages(recipe)
    assert stage.recipe.model.options["words"].split(", ") == [look.word for look in SEEN]


@pytest.mark.parametrize("plan", PLANS)
def test_every_row_of_a_plan_can_be_built(plan: str) -> None:
    found = Bench(TOY / f"{plan}.yaml", Path()).plan
    for row, changes in found.rows.items():
        assert built(ROOT / found.recipe, list(changes)), row


def test_dea_makes_it_stseg() -> None:
    changes = (TOY / "recipes" / "stseg-dea.set").read_text(encoding="utf-8").split()[1::2]
    for stage in ("stage1", "stage2"):
        model, _ = built(TOY / "recipes" / f"stseg-{stage}.yaml", changes)
        assert isinstance(model, STSeg)
