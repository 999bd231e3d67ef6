"""Tables and numbers as `report.md` has them."""

from __future__ import annotations

from collections.abc import Sequence


def percent(value: float | None) -> str:
    """A fraction as per cent, a dash where there is no number."""
    return "–" if value is None else f"{100 * value:.2f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The lines of a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
