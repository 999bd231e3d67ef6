"""Wrong arguments as one sentence."""

from __future__ import annotations

from typing import Any

import typer

# Typer raises these through click or through its own copy of click.
UsageError: Any = typer.BadParameter.__base__
ADAPT = "`train --adapt MODEL --data ...` is now `openvss adapt MODEL --data ...`."
MOVED = {  # (command, option) -> where it went
    ("evaluate", "--compare"): "`evaluate --compare` is now `openvss compare RUN...`.",
    ("evaluate", "--submission"): "`evaluate --submission` is now `openvss submit RUN --out FILE.zip`.",
    **{("train", option): ADAPT for option in ("--adapt", "--data", "--words", "--weights", "--every")},
}


def sentence(error: Any) -> str:
    """What is wrong and how to fix it; empty if the help has been shown instead."""
    message = error.format_message().replace("Value error, ", "").strip().rstrip(".")
    command = error.ctx.command_path if error.ctx else "openvss"
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return ""
    if command.endswith(" segment") and "unexpected extra argument" in message:
        return f'{message}: put all words into one pair of quotes, with commas, such as "dog, sky".'
    moved = MOVED.get((command.rpartition(" ")[2], getattr(error, "option_name", "")))
    if moved:
        return moved
    link = " See" if message.endswith("?") else ": see"
    return f"{message}{link} `{command} --help`."
