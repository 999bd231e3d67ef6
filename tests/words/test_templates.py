"""Prompt templates."""

from __future__ import annotations

import pytest

from openvss.words import templates


@pytest.mark.parametrize("prompts", [templates.PLAIN, templates.SHORT, templates.IMAGENET])
def test_each_template_has_one_place_for_the_word(prompts: tuple[str, ...]) -> None:
    assert len(set(prompts)) == len(prompts)
    assert all(prompt.count("{}") == 1 for prompt in prompts)


def test_imagenet_holds_the_eighty_prompts_of_clip() -> None:
    assert len(templates.IMAGENET) == 80
    assert templates.IMAGENET[0] == "a bad photo of a {}."
    assert templates.IMAGENET[-1] == "a tattoo of the {}."
    assert {"itap of my {}.", "a origami {}."} < set(templates.IMAGENET)
