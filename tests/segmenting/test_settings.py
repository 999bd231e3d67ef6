"""The one list of streaming settings: what is refused, and that all ways to give them are one."""

from __future__ import annotations

import inspect
import typing
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from openvss.cli.segment import segment
from openvss.errors import InputError
from openvss.segmenting.segmenter import Segmenter
from openvss.segmenting.settings import StreamOptions, StreamSettings
from tests.models.two_frame import TwoFrame


def test_defaults() -> None:
    settings = StreamSettings()
    assert settings == StreamSettings(
        size=None, device="auto", unlabelled_below=0.0, context="past", precision="fp32", others=None
    )
    with pytest.raises(FrozenInstanceError):
        settings.size = 64  # type: ignore[misc]


def test_keyword_arguments_are_the_fields() -> None:
    assert typing.get_type_hints(StreamOptions) == typing.get_type_hints(StreamSettings)
    assert not StreamOptions.__required_keys__


def test_options_of_the_command_have_the_same_defaults() -> None:
    options = inspect.signature(segment).parameters
    assert all(options[field.name].default == field.default for field in fields(StreamSettings))


@pytest.mark.parametrize(
    ("name", "good", "bad", "sentence"),
    [
        (
            "unlabelled_below",
            [0.0, 0.5, 1.0, 1],
            [-0.1, 1.1, 50, float("nan")],
            "a fraction from 0 to 1, not",
        ),
        ("size", [None, 32, 4096], [31, 4097, 0, -5], "a short side in pixels, must be from 32 to 4096, not"),
        ("others", [None, True, False], ["yes", 2], "others must be True, False or None, not"),
        ("context", ["past", "whole"], ["all", "", None], "The context must be past or whole, not"),
        (
            "precision",
            ["fp32", "bf16", "fp16"],
            ["fp8", "", None],
            "The precision must be fp32, bf16 or fp16, not",
        ),
    ],
)
def test_ranges(name: str, good: list[Any], bad: list[Any], sentence: str) -> None:
    for value in good:
        assert getattr(StreamSettings(**{name: value}), name) == value
    for value in bad:
        with pytest.raises(InputError, match=sentence) as raised:
            StreamSettings(**{name: value})
        assert str(raised.value).rstrip(".").endswith(repr(value))


def test_keyword_arguments_override_settings() -> None:
    settings = StreamSettings(size=96, device="cpu", unlabelled_below=0.25)
    segmenter = Segmenter(TwoFrame(), "a, b", settings=settings, size=128)
    assert segmenter.settings == StreamSettings(size=128, device="cpu", unlabelled_below=0.25)
    assert (segmenter.size, segmenter.engine.kind) == (128, "cpu")
    assert Segmenter(TwoFrame(), settings=StreamSettings(device="cpu")).size == TwoFrame.size
    with pytest.raises(InputError, match="from 32 to 4096"):
        Segmenter(TwoFrame(), settings=settings, size=5)
    with pytest.raises(TypeError, match="sise"):
        Segmenter(TwoFrame(), sise=5)  # type: ignore[call-arg]
