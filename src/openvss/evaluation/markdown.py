"""Tables and numbers as `report.md` has them."""

from __future__ import annotations

import re
from collections.abc import Sequence


def percent(value: float | None) -> str:
    """A fraction as a percentage, or a dash if there is none."""
    return "–" if value is None else f"{100 * value:.2f}"


def plain(text: str) -> str:
    """A name from somewhere else so that it is shown as it is: no HTML, link, code or emphasis."""
    text = re.sub(r"([\\`*\[\]])", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The lines of a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
