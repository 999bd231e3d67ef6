"""Help whose lists of names are filled in when it is shown, since some tables take time to import."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import typer
from typer.core import TyperCommand


def filled(**lists: Callable[[], str]) -> type[TyperCommand]:
    """A command class whose help replaces `{name}` by the result of the function of that name."""

    class FilledHelp(TyperCommand):
        def format_help(self, ctx: typer.Context, formatter: object) -> None:  # type: ignore[override]
            for parameter in self.params:
                if text := getattr(parameter, "help", None):
                    for name, listed in lists.items():
                        if f"{{{name}}}" in text:
                            text = text.replace(f"{{{name}}}", listed())
                    parameter.help = text  # type: ignore[attr-defined]
            super().format_help(ctx, formatter)  # type: ignore[arg-type]

    return FilledHelp


def either(names: Iterable[str]) -> str:
    """Such as "vspw, camvid or folder"."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
