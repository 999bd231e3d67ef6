"""Names in CSV files that spreadsheets open."""

from __future__ import annotations

# What makes a spreadsheet take a cell for a formula; and the mark itself, so that it can be taken off again.
LEADING = ("=", "+", "-", "@", "\t", "\r", "'")


def text_cell(name: str) -> str:
    """The name, with an apostrophe before what a spreadsheet would compute; without the first one it is back.

    Example:
        >>> text_cell("=1+1"), text_cell("sky"), text_cell("'n' roll")
        ("'=1+1", 'sky', "''n' roll")
    """
    return f"'{name}" if name.startswith(LEADING) else name
