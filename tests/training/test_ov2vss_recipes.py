"""The recipes of OV2VSS and their changes: each can be read, built and given its rates."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from openvss.models.ov2vss.model import OV2VSS
from openvss.models.registry import build_model
from openvss.training.optimisation import freeze, groups_of
from openvss.training.recipe.reader import read_stages
from openvss.training.recipe.schema import LAST

FOLDER = Path(__file__).parents[2] / "recipes" / "ov2vss"
RECIPES = sorted(FOLDER.glob("*.yaml"))
ROWS = sorted(FOLDER.glob("table3/*.set"))
TWINS = sorted(FOLDER.glob("small-*.set"))


def overrides(file: Path) -> list[str]:
    """What a shell makes of `$(cat FILE)`."""
    words = file.read_text(encoding="utf-8").split()
    assert words[::2] == ["--set"] * (len(words) // 2)
    return words[1::2]


def built(recipe: Path, changes: list[str]) -> tuple[OV2VSS, dict[float, int]]:
    """The model, without memory for its weights, and how many of them are trained at each rate."""
    (stage,) = read_stages(recipe, changes)
    with torch.device("meta"):
        model = build_model(stage.recipe.model.preset, stage.recipe.model.options)
    assert isinstance(model, OV2VSS)
    freeze(model, stage.recipe.model.freeze)
    counts: dict[float, int] = {}
    for group in groups_of(model, stage.recipe.optimiser):
        counts[group.lr] = counts.get(group.lr, 0) + sum(p.numel() for p in group.parameters)
    return model, counts


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda p: p.stem)
def test_recipes(recipe: Path) -> None:
    model, counts = built(recipe, [])
    assert model.options.vte
    if recipe.stem.startswith("vspw"):
        slow, fast = sorted(counts)
        assert (slow, fast) == pytest.approx((3e-6, 3e-5))
        backbone = [p for name, p in model.named_parameters() if name.startswith("backbone.")]
        assert counts[slow] == sum(p.numel() for p in backbone if p.requires_grad)


@pytest.mark.parametrize("recipe", sorted(FOLDER.glob("vspw-*.yaml")), ids=lambda p: p.stem)
def test_no_unseen_word_decides(recipe: Path) -> None:
    """The last weights are the result; `held-out.set` chooses by seen words of training videos."""
    (stage,) = read_stages(recipe)
    assert stage.recipe.validation is not None
    assert stage.recipe.validation.best == LAST
    assert stage.recipe.validation.context == "whole"
    assert {one.set for one in stage.recipe.validation.on} == {None}
    (stage,) = read_stages(recipe, overrides(FOLDER / "held-out.set"))
    assert stage.recipe.validation is not None
    (dev,) = stage.recipe.validation.on
    assert stage.recipe.validation.best == f"{dev.name}.miou"
    assert (dev.split, dev.held_out, dev.protocol) == ("train", True, stage.recipe.data.train[0].classes)


@pytest.mark.parametrize("row", ROWS, ids=lambda p: p.stem)
def test_rows_of_table_3(row: Path) -> None:
    """Each row differs from the whole model in what its name says, and in nothing else."""
    twin = overrides(FOLDER / "small-mit-b2.set")
    whole, _ = built(FOLDER / "vspw-mit-b2.yaml", twin)
    model, _ = built(FOLDER / "vspw-mit-b2.yaml", [*twin, *overrides(row)])
    changed = {k for k, v in vars(model.options).items() if v != getattr(whole.options, k)}
    assert changed == {o.split("=")[0].split(".")[-1] for o in overrides(row)} - {"labels"}


def test_there_is_a_row_for_each_of_the_paper() -> None:
    """Eleven; the other five of Table III are the whole model."""
    assert len(ROWS) == 11


@pytest.mark.parametrize("twin", TWINS, ids=lambda p: p.stem)
def test_small_twins(twin: Path) -> None:
    model, counts = built(FOLDER / f"vspw-{twin.stem.removeprefix('small-')}.yaml", overrides(twin))
    assert sum(counts.values()) < 300_000
    assert sum(p.numel() for p in model.parameters()) < 400_000
