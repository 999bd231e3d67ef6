"""Words that messages have in common."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """A number with a noun that agrees with it.

    Example:
        >>> counted(1, "frame"), counted(1200, "class")
        ('1 frame', '1,200 classes')
    """
    ending = "" if number == 1 else "es" if what.endswith(("s", "x", "ch")) else "s"
    return f"{number:,} {what}{ending}"
