"""The recipes of STSeg and their changes: each can be read, built and given its rates."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from openvss.models.base import VideoModel
from openvss.models.presets import build_model
from openvss.models.stseg.stseg import STSeg
from openvss.training.groups import groups_of
from openvss.training.recipe import Recipe
from openvss.training.recipe_file import read_stages
from openvss.training.selftrain.maker import read_settings

FOLDER = Path(__file__).parents[2] / "recipes" / "stseg"


def overrides(name: str) -> list[str]:
    """What a shell makes of `$(cat FILE)`."""
    words = (FOLDER / name).read_text(encoding="utf-8").split()
    assert words[::2] == ["--set"] * (len(words) // 2)
    return words[1::2]


def read(recipe: str, *changes: str) -> Recipe:
    (stage,) = read_stages(FOLDER / recipe, [part for name in changes for part in overrides(name)])
    return stage.recipe


def built(recipe: Recipe) -> VideoModel:
    """The model, without memory for its weights."""
    with torch.device("meta"):
        return build_model(recipe.model.preset, recipe.model.options)


@pytest.mark.parametrize(("name", "rates"), [("stage1.yaml", (2e-6, 2e-4)), ("stage2.yaml", (2e-7, 2e-5))])
def test_the_published_system(name: str, rates: tuple[float, float]) -> None:
    recipe = read(name)
    model = built(recipe)
    counts: dict[float, int] = {}
    for group in groups_of(model, recipe.optimiser):
        counts[group.lr] = counts.get(group.lr, 0) + sum(p.numel() for p in group.parameters)
    assert sorted(counts) == pytest.approx(rates)
    assert isinstance(model, STSeg)
    image_side = sum(p.numel() for p in (*model.pair.image.parameters(), *model.pair.projection.parameters()))  # type: ignore[attr-defined]
    assert counts[min(counts)] == image_side
    decoder = sum(p.numel() for p in model.decoder.parameters())
    assert decoder == 1_376_396
    assert counts[max(counts)] == decoder + sum(p.numel() for p in model.dea.parameters())


def test_rows_of_table_2() -> None:
    assert not isinstance(built(read("stage1.yaml", "table2/no-dea.set")), STSeg)
    assert not isinstance(built(read("stage2.yaml", "table2/no-dea.set")), STSeg)
    assert built(read("stage2.yaml", "table2/fast.set")).topk == 8
    recipe = read("stage2.yaml", "table2/literal.set")
    assert recipe.words.literal
    assert isinstance(built(recipe), STSeg)
    for row in ("mask-only", "no-sam-prior"):
        assert read("stage2.yaml", f"table2/{row}.set").targets != read("stage2.yaml").targets


@pytest.mark.parametrize("row", ["a-847", "pc-59", "pc-459"])
def test_targets_of_table_1(row: str) -> None:
    recipe = read("stage2.yaml", f"table1/{row}.set")
    assert recipe.validation is not None
    assert recipe.data.train[0].set != read("stage2.yaml").data.train[0].set
    assert recipe.validation.on[0].set is None  # that of the training images
    assert recipe.data.train[0].labels == "made"


@pytest.mark.parametrize("name", ["stage1", "stage2"])
def test_small_twins(name: str) -> None:
    recipe = read(f"{name}.yaml", f"small-{name}.set")
    assert sum(p.numel() for p in built(recipe).parameters()) < 400_000


@pytest.mark.parametrize("row", sorted(FOLDER.rglob("*.set")), ids=lambda p: p.stem)
def test_no_change_is_forgotten(row: Path) -> None:
    """Every file can be read with the recipe that it changes, and the maker understands its options."""
    stage = "stage1.yaml" if row.stem.endswith("stage1") else "stage2.yaml"
    recipe = read(stage, str(row.relative_to(FOLDER)))
    if recipe.targets is not None:
        read_settings(recipe.targets.options)
