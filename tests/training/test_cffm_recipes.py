"""The recipes of CFFM and CFFM++ and their changes: each can be read, built and given its rates."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from openvss.models.cffm.mine import Mine, WindowAttention
from openvss.models.cffm.model import CFFM
from openvss.models.cffm.plusplus import CFFMPlusPlus
from openvss.models.registry import build_model
from openvss.training.optimisation import freeze, groups_of
from openvss.training.recipe.reader import read_stages
from openvss.training.recipe.schema import LAST, Recipe, Targets

FOLDER = Path(__file__).parents[2] / "recipes" / "cffm"
RECIPES = sorted(FOLDER.glob("*.yaml"))
LOCAL, GLOBAL = sorted(FOLDER.glob("local/*.set")), sorted(FOLDER.glob("global/*.set"))
TWINS = sorted(FOLDER.glob("small-*.set"))


def overrides(file: Path) -> list[str]:
    """What a shell makes of `$(cat FILE)`."""
    words = file.read_text(encoding="utf-8").split()
    assert words[::2] == ["--set"] * (len(words) // 2)
    return words[1::2]


def built(recipe: str, *changes: Path) -> tuple[Recipe, torch.nn.Module, set[float]]:
    """The recipe, its model without memory for weights, and the learning rates in use."""
    (stage,) = read_stages(FOLDER / f"{recipe}.yaml", [one for file in changes for one in overrides(file)])
    with torch.device("meta"):
        model = build_model(stage.recipe.model.preset, stage.recipe.model.options)
    freeze(model, stage.recipe.model.freeze)
    return stage.recipe, model, {group.lr for group in groups_of(model, stage.recipe.optimiser)}


def made_at(recipe: Recipe) -> Targets:
    """Prototypes made at the size of testing."""
    assert recipe.validation is not None
    size = recipe.validation.size
    return Targets(maker="contexts", options={} if size is None else {"size": size})


def tokens(model: torch.nn.Module) -> int:
    """How many tokens a window looks at."""
    assert isinstance(model, CFFM)
    layer = model.layers[0]
    assert isinstance(layer, Mine)
    assert isinstance(layer.attention, WindowAttention)
    return layer.attention.geometry.n_keys


@pytest.mark.parametrize("recipe", [path.stem for path in RECIPES if path.stem != "lite0"])
def test_recipes(recipe: str) -> None:
    settings, model, rates = built(recipe)
    groups = groups_of(model, settings.optimiser)
    if "plusplus" in recipe:
        assert rates == {2e-4}
        assert settings.schedule.steps == 40_000
        trained = {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad}
        assert trained == {"global_layers", "global_classifier"}
        assert isinstance(model, CFFMPlusPlus)
        assert (settings.clip.context, settings.targets) == ("made", made_at(settings))
    else:
        assert sorted(rates) == pytest.approx([6e-5, 6e-4])
        assert settings.schedule.steps == 160_000
        assert settings.schedule.power == 1
    assert settings.data.batch * 4 == 8
    assert settings.clip.earliest == (9 if recipe in ("vspw", "vspw-plusplus") else 0)
    still = {name for group in groups if not group.weight_decay for name in group.names}
    assert still == {
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and name.startswith("backbone.") and "norm" in name
    }
    assert settings.validation is not None
    assert (settings.validation.best, settings.validation.on[0].set) == (LAST, None)
    assert settings.validation.context == ("whole" if "plusplus" in recipe else "past")


@pytest.mark.parametrize("change", LOCAL, ids=lambda path: path.stem)
def test_ablations_of_cffm(change: Path) -> None:
    _, model, _ = built("vspw", change)
    assert isinstance(model, CFFM)


@pytest.mark.parametrize("change", GLOBAL, ids=lambda path: path.stem)
def test_ablations_of_cffm_plusplus(change: Path) -> None:
    settings, model, rates = built("vspw-plusplus", change)
    assert isinstance(model, CFFMPlusPlus)
    assert settings.clip.context == "made"
    assert rates == {2e-4}
    trained = {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {"global_layers", "global_classifier"}


def test_receptive_fields_and_pooling_windows_are_numbers_of_tokens() -> None:
    near, target = 13 * 13, 25
    wanted = {
        "table6-7-5-3": 1 + 1 + 1,
        "table6-21-15-9": 9 + 9 + 9,
        "table6-35-15-9": 25 + 9 + 9,
        "table6-49-15-9": 49 + 9 + 9,
        "table6-49-25-15": 49 + 25 + 25,
        "table6-49-35-21": 49 + 49 + 49,
        "table7-7-7-7": 49 + 9 + 1,
        "table7-5-3-3": 169 + 81 + 9,
    }
    for name, references in wanted.items():
        assert tokens(built("vspw", FOLDER / "local" / f"{name}.set")[1]) == near + target + references


@pytest.mark.parametrize("twin", TWINS, ids=lambda path: path.stem)
def test_small_twins(twin: Path) -> None:
    _, model, _ = built(twin.stem.removeprefix("small-"), twin)
    assert sum(p.numel() for p in model.parameters()) < 200_000


def test_the_small_comparison() -> None:
    _, model, rates = built("lite0")
    assert isinstance(model, CFFM)
    assert len(model.layers) == 1
    assert len(rates) == 2
