"""Recipes that are damaged or hold anything at all: one sentence."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from openvss.errors import InputError
from openvss.training.recipe.reader import read_stages
from tests.hostile.campaign import DAMAGES, require_sentence, tally, watchdog

RECIPES = Path(__file__).parents[2] / "recipes"
SEEDS = 12
VALUES = (
    *("null", "[]", "{}", "-1", "0", "1e999"),
    *(".nan", ".inf", "-.inf", "9" * 400, "true", "''", "[1, [2, [3]]]"),
    *("!!python/object/apply:os.system ['touch pwned']", "!!python/name:os.system"),
    *("!!binary aGk=", "2026-01-01"),
    *("*nothing", "&a [*a]", "<<: {a: 1}", "'\0'", "../../x"),
    *("/dev/zero", "{? {a: b} : c}", "0o777", "1:30", "~", "|"),
)  # fmt: skip


def read(path: Path, overrides: list[str], counts: Counter[str]) -> None:
    try:
        with watchdog():
            read_stages(path, overrides)
        counts["read"] += 1
    except InputError as error:
        require_sentence(error)
        counts["refused"] += 1


def test_damaged_recipes(tmp_path: Path) -> None:
    counts, path = Counter[str](), tmp_path / "r.yaml"
    texts = [
        (RECIPES / name).read_bytes() for name in ("synthetic.yaml", "stseg/stage2.yaml", "cffm/vspw.yaml")
    ]
    for number, text in enumerate(texts):
        for kind, make in DAMAGES.items():
            for seed in range(SEEDS):
                rng = random.Random(f"{number} {kind} {seed}")
                path.write_bytes(make(text, texts[number - 1], rng))
                read(path, [], counts)
    tally(counts, refused=100)
    assert sum(counts.values()) == len(texts) * len(DAMAGES) * SEEDS


@pytest.mark.parametrize("value", VALUES)
def test_any_value_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.chdir(tmp_path)
    counts, path = Counter[str](), tmp_path / "r.yaml"
    lines = (RECIPES / "synthetic.yaml").read_text().splitlines()
    keys = [number for number, line in enumerate(lines) if ":" in line and not line.lstrip().startswith("#")]
    for number in keys:
        changed = [*lines]
        changed[number] = f"{lines[number].partition(':')[0]}: {value}"
        path.write_text("\n".join(changed), encoding="utf-8")
        read(path, [], counts)
    path.write_text("\n".join(lines), encoding="utf-8")
    for key in (
        "schedule.steps",
        "data.train.0.set",
        "model",
        "data",
        "optimiser.rates",
        "stages",
        "validation.on",
    ):
        read(path, [f"{key}={value}"], counts)
    tally(counts, refused=5)
    assert not (tmp_path / "pwned").exists()
