"""The plan of a toy table, and the folder of its results."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from openvss.errors import InputError
from projects.toy.data import ToyVideos


class Section(BaseModel):
    """A part of a plan: no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Line(Section):
    """One line of a table.

    Attributes:
        row: What is shown.
        text: What it is called there.
        published: What the paper says, of its own data.
    """

    row: str
    text: str
    published: float | None = None


class Table(Section):
    """Rows that are compared with each other."""

    title: str
    lines: tuple[Line, ...]


class Plan(Section):
    """What is compared, on what.

    Attributes:
        recipe: A recipe's file, seen from the working folder.
        seeds: Of everything.
        rows: For each row the overrides of the recipe, as `openvss train --set` takes them.
        against: The row that all others are compared with.
        tables: How rows are shown.
        metrics: Columns, by the names in `metrics.json`, with their titles.
        differences: Those of them whose differences are shown.
        copies: Those of them for which a row is also compared with itself when copies of the target take the
            place of all other frames.
        test: "all": trained on seen compositions, tested on these and unseen ones. "seen": on the same.
        videos: How many, and how noisy.
        pair_steps: Of training the toy pair, from which the model's `pair` and `backbone` start; None: none.
        pair_noise: Largest noise that it meets in training.
        whole: Rows scored with the context of the whole video; the others see the past alone, as they stream.
        oracle: The row whose models also label the videos with what no model knows: see `oracle.py`.
        published: Title of the column of published numbers.
    """

    recipe: str
    seeds: tuple[int, ...]
    rows: dict[str, tuple[str, ...]]
    against: str
    tables: tuple[Table, ...]
    metrics: dict[str, str]
    differences: tuple[str, ...]
    copies: tuple[str, ...] = ()
    test: Literal["all", "seen"] = "all"
    videos: ToyVideos = ToyVideos()
    pair_steps: int | None = None
    pair_noise: float = 0.15
    whole: tuple[str, ...] = ()
    oracle: str | None = None
    published: str = "published"

    def context(self, row: str) -> Literal["past", "whole"]:
        """What a row's models may look at, as `openvss evaluate --context` takes it."""
        return "whole" if row in self.whole else "past"


@dataclass(frozen=True)
class Bench:
    """A plan and the folder that its results go to.

    Attributes:
        file: The plan's.
        out: Holds `data`, `pairs`, `runs` and `cells`.
    """

    file: Path
    out: Path

    @property
    def plan(self) -> Plan:
        """What the file says."""
        return Plan.model_validate(yaml.safe_load(self.file.read_text(encoding="utf-8")))

    @property
    def frozen(self) -> str:
        """Changes with the plan and its recipe: results of different ones do not mix."""
        texts = self.file.read_bytes(), Path(self.plan.recipe).read_bytes()
        return hashlib.sha256(b"\0".join(texts)).hexdigest()

    def cell(self, row: str, seed: int) -> Path:
        """The file of a result."""
        return self.out / "cells" / f"{row}-{seed}.json"

    def results(self) -> dict[tuple[str, int], dict[str, Any]]:
        """All finished cells."""
        plan, found = self.plan, {}
        for row in plan.rows:
            for seed in plan.seeds:
                if self.cell(row, seed).exists():
                    found[row, seed] = json.loads(self.cell(row, seed).read_text(encoding="utf-8"))
        if strangers := [key for key, cell in found.items() if cell["frozen"] != self.frozen]:
            raise InputError(f"{self.cell(*strangers[0])} belongs to another plan: choose another --out.")
        return found

    def start(self, seed: int) -> Path:
        """The weights that all rows start from."""
        return self.out / "pairs" / f"{seed}.safetensors"

    def data(self, seed: int) -> Path:
        """The folder of the videos."""
        return self.out / "data" / str(seed)

    def clean(self, seed: int) -> Path:
        """The folder of the same videos without their disturbance."""
        return self.out / "data" / f"{seed}-clean"
