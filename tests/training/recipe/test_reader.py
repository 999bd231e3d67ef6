"""Recipes are strict: every mistake is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from openvss.errors import InputError
from openvss.training.recipe.reader import read_stages

TEXT = """\
model: {preset: tiny}
data:
  train:
    - set: folder:x
  batch: 2
optimiser:
  lr: 3e-5
  rates: {image.backbone: 0.1}
schedule:
  steps: 10
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "r.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_numbers_are_numbers(file: Path) -> None:
    recipe = read_stages(file, ["view.crop=[64, 96]", "data.train.0.classes=[yes, no]"])[0].recipe
    assert recipe.optimiser.lr == 3e-5
    assert recipe.view.crop == (64, 96)
    assert recipe.data.train[0].classes == ("yes", "no")
    assert recipe.optimiser.rates == {"image.backbone": 0.1}


# ten to the power of nine values
BOMB = "&a0 [x], " + ", ".join(f"&a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  batch: 2", "  bacth: 2", "line 5: unknown recipe key data.bacth (did you mean batch?)"),
        ("  batch: 2", "  batch: two", 'line 5: data.batch cannot be "two": input should be a valid integer'),
        ("  batch: 2", "  batch: 2.5", "line 5: data.batch cannot be 2.5"),
        ("  batch: 2", "  batch: 0", "line 5: data.batch cannot be 0"),
        ("  batch: 2", "  batch: 2\n  batch: 3", "line 6: data.batch is given twice"),
        ("  steps: 10", "  steps: 10\n  warmup: 10", "line 11: schedule.warmup is invalid: 10 steps"),
        ("    - set: folder:x", "    - {weight: 1}", "line 4: data.train.0.set is missing"),
        (
            "    - set: folder:x",
            "    - {set: a, wieght: 1}",
            "line 4: unknown recipe key data.train.0.wieght",
        ),
        ("schedule:", "view: {crop: [64]}\nschedule:", "line 9: view.crop.1 is missing"),
        ("schedule:", "clip: {labels: some}\nschedule:", 'line 9: clip.labels cannot be "some"'),
        ("schedule:", "clip: {references: [3, 6]}\nschedule:", "line 9: clip.references cannot be [3, 6]"),
        ("  lr: 3e-5", "  lr: [", ": the recipe cannot be read"),
        ("  lr: 3e-5", "  lr: -1", "line 7: optimiser.lr cannot be -1"),
        (
            "schedule:",
            "validation: {on: [{name: ../../x}]}\nschedule:",
            'name cannot be "../../x": use letters',
        ),
        ("schedule:", "saving: &a {every: *a}\nschedule:", "is nested too deeply, or in itself"),
        ("schedule:", "saving: " + "[" * 3000 + "]" * 3000 + "\nschedule:", "is nested too deeply"),
        ("schedule:", f"saving: [{BOMB}]\nschedule:", "is nested too deeply, or in itself"),
        ("schedule:", "# " + "x" * 3_000_000 + "\nschedule:", "has more than 2 MB"),
    ],
)
def test_mistakes_are_named(file: Path, old: str, new: str, said: str) -> None:
    file.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_stages(file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.bacth=3", "--set data.bacth=3: unknown recipe key data.bacth"),
        ("data.batch=x", '--set data.batch=x: data.batch cannot be "x"'),
        ("data.train.3.set=x", "data.train is a list without an entry 3: give a number from 0 to 0"),
        ("data.batch", "is not KEY=VALUE"),
        ("saving=&a {every: *a}", "--set saving=&a {every: *a}: the value cannot be read as YAML"),
        ("schedule.steps.x=3", '--set schedule.steps.x=3: schedule.steps cannot be {"x": 3}'),
        (
            "shcedule.steps=3",
            "--set shcedule.steps=3: unknown recipe key shcedule (did you mean schedule?)",
        ),
        ("validation.every=3", "--set validation.every=3: validation.on is missing"),
        (
            "validation={on: [{name: a}, {name: b}], best: miou}",
            "best is invalid: miou is neither `last` nor a metric of a set, like a.miou, b.miou.",
        ),
        ("validation={on: [{split: val}], best: c.miou}", "validation.best is invalid: c.miou is neither"),
        ("words={cap: 5, fewest: 6}", "words.fewest is invalid"),
        ("words={fewest: 6}", "words.fewest is invalid"),
        ("schedule.warmup=20", "--set schedule.warmup=20: schedule.warmup is invalid"),
    ],
)
def test_mistaken_overrides_are_named(file: Path, override: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_stages(file, [override])
    assert said in str(caught.value)


def test_stages_change_the_recipe(file: Path) -> None:
    stages = "stages:\n  - {name: a}\n  - name: b\n    optimiser: {lr: 1.0}\n    schedule:\n      steps: 3\n"
    file.write_text(TEXT + stages, encoding="utf-8")
    first, second = read_stages(file)
    assert (first.name, first.recipe.schedule.steps, first.recipe.optimiser.lr) == ("a", 10, 3e-5)
    assert (second.name, second.recipe.schedule.steps, second.recipe.optimiser.lr) == ("b", 3, 1.0)
    assert second.recipe.optimiser.rates == first.recipe.optimiser.rates
    file.write_text(TEXT + stages.replace("steps: 3", "stpes: 3"), encoding="utf-8")
    with pytest.raises(InputError, match=r"line 16: unknown recipe key schedule.stpes"):
        read_stages(file)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_stages(tmp_path / "none.yaml")
