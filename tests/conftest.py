"""Shared by all tests: one thread, and embeddings cached in a folder of the test run's own."""

import os

# Tests work on tiny tensors, where a second thread only waits; set before torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["OPENVSS_CACHE"] = str(tmp_path_factory.mktemp("cache"))
