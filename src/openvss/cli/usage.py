"""Wrong arguments, as one sentence."""

from __future__ import annotations

from typing import Any

import typer

# Typer raises these with click, or with a copy of click of its own.
UsageError: Any = typer.BadParameter.__base__
OF_ADAPT = ("--adapt", "--data", "--words", "--weights", "--every")


def sentence(error: Any) -> str:
    """What is wrong and how to fix it; empty if the help has been shown instead."""
    message = error.format_message().replace("Value error, ", "").strip().rstrip(".")
    command = error.ctx.command_path if error.ctx else "openvss"
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return ""
    if command.endswith(" segment") and "unexpected extra argument" in message:
        return f'{message}: put all words into one pair of quotes, with commas, such as "dog, sky".'
    if command.endswith(" evaluate") and getattr(error, "option_name", None) == "--compare":
        return "Finished evaluations are compared by a command of their own: write `openvss compare RUN...`."
    if command.endswith(" train") and getattr(error, "option_name", None) in OF_ADAPT:
        return "`train --adapt tiny ...` is now a command of its own: write `openvss adapt tiny ...`."
    if command.endswith(" evaluate") and getattr(error, "option_name", None) == "--submission":
        return "Submissions are written by a command of their own: write `openvss submit RUN --out FILE.zip`."
    link = " See" if message.endswith("?") else ": see"
    return f"{message}{link} `{command} --help`."
