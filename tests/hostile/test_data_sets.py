"""Data sets in which something is damaged: every command names it, or has read it as it is."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from openvss.storage.directory import PARTIAL
from tests.evaluation.sets import write_set
from tests.hostile.campaign import DAMAGES, CommandLine, tally
from tests.hostile.test_runs import REPLACED, damage

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")
SEEDS = 4


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return CommandLine(monkeypatch, capsys)


def test_damaged_data_sets(run: CommandLine, tmp_path: Path) -> None:
    counts = Counter[str]()
    write_set(tmp_path / "good", (3, 2))
    shutil.copytree(tmp_path / "good", tmp_path / "predicted")
    for kind in (*DAMAGES, *REPLACED):
        for seed in range(SEEDS):
            root = tmp_path / "set"
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(tmp_path / "good", root)
            name = damage(root, kind, random.Random(f"{kind} {seed}"))
            checked, _ = run("data", "check", "folder:set")
            out = tmp_path / "out"
            scored, _ = run(
                "evaluate",
                "--data",
                "folder:set",
                "--predictions",
                "predicted",
                "--out",
                out,
                "--split",
                "all",
            )
            counts["scored" if scored == 0 else "refused"] += 1
            left = {path.name for path in out.iterdir()} if out.exists() else set()
            assert (PARTIAL in left) <= (scored != 0), (
                kind,
                seed,
                name,
            )  # videos that are scored can be kept
            assert ("metrics.json" in left) == (scored == 0), (kind, seed, name)
            assert (checked == 0) <= (scored == 0), (kind, seed, name)
            shutil.rmtree(out, ignore_errors=True)
    tally(counts, refused=15, scored=5)
