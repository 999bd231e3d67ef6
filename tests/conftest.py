"""Shared by all tests: embeddings are cached in a folder of the test run's own."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["OPENVSS_CACHE"] = str(tmp_path_factory.mktemp("cache"))
