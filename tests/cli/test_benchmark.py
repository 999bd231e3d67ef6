from __future__ import annotations

import json
from dataclasses import replace

import pytest

from openvss.cli.benchmark import with_baseline
from openvss.models.cffm.presets import CFFMOptions
from openvss.models.registry import PRESETS
from tests.cli.runner import Runner

NANO = CFFMOptions("mit-nano", "road, sky", dim=16, heads=2)


def test_a_single_cffm_has_segformer_beside_it() -> None:
    assert with_baseline(["cffm++-b2"]) == ["segformer-b2", "cffm++-b2"]
    assert with_baseline(["tiny"]) == ["tiny"]
    assert with_baseline(["cffm-b1", "cffm-b2"]) == ["cffm-b1", "cffm-b2"]


def test_costs_of_models(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "small", replace(PRESETS["cffm-b0"], options=NANO))
    command = ["benchmark", "model", "small", "--size", "96x64", "--rounds", "1", "--device", "cpu"]
    rows = json.loads(run.ok(*command, "--json"))
    assert [row["name"] for row in rows] == ["small"]
    assert rows[0]["clip_macs"] > rows[0]["streaming_macs"] > 0
    assert rows[0]["streaming_fps"] > 0
    assert rows[0]["clip_fps"] > 0
    table = run.ok(*command)
    assert all(word in table for word in ("small", "params", "FPS", "stream", "clip", "memory"))
    (less,) = json.loads(run.ok(*command, "--json", "--option", "stride=32"))
    assert less["streaming_macs"] < rows[0]["streaming_macs"]
    assert "layers" in run.sentence(*command, "--option", "layer=1")


def test_a_wrong_size_is_one_sentence(run: Runner) -> None:
    assert "853x480" in run.sentence("benchmark", "model", "tiny", "--size", "480")
