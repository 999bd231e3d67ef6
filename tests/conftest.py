"""Shared by all tests: one thread, and embeddings cached in a folder of the test run's own."""

import os

# Tests work on tiny tensors, where a second thread only waits; set before torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"

from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine: a red build means that something changed.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["OPENVSS_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model, exported; reading only."""
    from openvss.export.job import export

    folder = tmp_path_factory.mktemp("exported") / "tiny"
    export("tiny", folder)
    return folder
