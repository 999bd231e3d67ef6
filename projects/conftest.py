"""The tests of projects run as all others do: one thread, a cache of their own."""

from tests.conftest import own_cache  # noqa: F401
