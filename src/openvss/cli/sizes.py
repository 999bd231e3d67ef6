"""`--size WxH`: a width and a height, as commands take them."""

from __future__ import annotations

from openvss.errors import InputError


def width_and_height(text: str, example: str, *, least: int = 0) -> tuple[int, int]:
    """The two numbers of a text such as "853x480", width first, both at least `least`."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and min(int(width), int(height)) >= least):
        at_least = f", both at least {least}" if least else ""
        raise InputError(f"--size is width x height{at_least}, such as {example}, not {text!r}.")
    return int(width), int(height)
