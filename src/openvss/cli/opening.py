"""Showing a file or folder with the program that the system has for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import typer

OPENERS = {"darwin": "open", "linux": "xdg-open"}


def show(path: Path) -> None:
    """Open it, without waiting; a sentence if there is nothing to open it with."""
    if sys.platform == "win32":
        os.startfile(path)
        return
    opener = shutil.which(OPENERS.get(sys.platform, "xdg-open"))
    has_screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if opener is None or not has_screen:
        typer.echo(f"Cannot find a program to open {path}: open it yourself.", err=True)
        return
    quiet = subprocess.DEVNULL
    subprocess.Popen([opener, str(path)], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
