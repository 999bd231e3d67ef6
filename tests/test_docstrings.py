"""Examples in the docstrings of the public surface are there, and show what really happens."""

from __future__ import annotations

import doctest

import pytest

import openvss

PUBLIC = [name for name in openvss.__all__ if callable(getattr(openvss, name))]


def test_everything_but_the_version_is_a_class_or_a_function() -> None:
    assert set(openvss.__all__) - set(PUBLIC) == {"__version__"}


@pytest.mark.parametrize("name", PUBLIC)
def test_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    thing = getattr(openvss, name)
    found = doctest.DocTestFinder(exclude_empty=True).find(thing, name)
    own = [example for test in found if test.name == name for example in test.examples]
    assert own, f"the docstring of openvss.{name} has no example"
    for test in found:
        test.globs = {}  # as in a fresh interpreter: whatever an example uses, it imports
        runner = doctest.DocTestRunner()
        failed = runner.run(test).failed
        assert not failed, capsys.readouterr().out
