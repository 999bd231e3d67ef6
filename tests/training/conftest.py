"""Shared by the tests of training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from openvss.models.registry import PRESETS
from tests.cli.runner import Runner
from tests.training import drive
from tests.training.small import toy_images, toy_videos


@pytest.fixture(scope="package", autouse=True)
def small_preset() -> Iterator[None]:
    PRESETS[drive.PRESET] = drive.PRESET_ENTRY
    yield
    del PRESETS[drive.PRESET]


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_images(tmp_path_factory.mktemp("images"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Runner:
    monkeypatch.chdir(tmp_path)
    return Runner(monkeypatch, capsys)
