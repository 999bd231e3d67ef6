"""The folder of one run: who is using it, and whether it can be written, found out before the first step."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from openvss.errors import InputError, OutputError
from openvss.storage.atomic import delete, delete_if_empty, missing_folders, write_text
from openvss.storage.directory import RunDirectory
from openvss.storage.file_errors import make_folder
from openvss.storage.lock import FolderLock
from openvss.storage.settings import Difference, Settings, differences, read_settings
from openvss.training.recipe.schema import Recipe

RECIPE, STATE, STATUS = "recipe.yaml", "state.safetensors", "run.json"
OWN = (  # what a run writes; nothing else is removed when it is replaced
    RECIPE,
    STATUS,
    "*.safetensors",
    ".*.safetensors-*",
    "log.jsonl",
    "curves.png",
    "validation",
    "targets",
    "tensorboard",
)
FREE_TO_CHANGE = ("saving", "workers", "cache", "pin_memory")  # none of these affects what is learned


class RunFolder:
    """Where one stage of training writes."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self.path = path
        self._recipe: dict[str, Any] = json.loads(recipe.model_dump_json())  # every key given
        self._directory = RunDirectory(path)
        self._made: list[Path] = []  # folders that did not exist, innermost first

    @property
    def state(self) -> Path:
        """The file of the state."""
        return self.path / STATE

    def claim(self, *, resume: bool, overwrite: bool) -> None:
        """Prepare the folder; on the main process only."""
        self._made = missing_folders(self.path)
        make_folder(self.path)
        if not os.access(self.path, os.W_OK):
            raise OutputError(f"The folder {self.path} is not writable: choose another --out.")
        self._directory.claim(self, resume=resume, overwrite=overwrite)

    def release(self) -> None:
        """Release the folder to other runs."""
        self._directory.release()

    def discard(self) -> None:
        """Remove the traces of a run that could not begin; targets that it made, and an earlier run, stay."""
        if not holds_run(self.path):
            (self.path / RECIPE).unlink(missing_ok=True)
        self.release()
        for place in self._made:
            delete_if_empty(place)

    def disown(self) -> None:
        """In a worker process: the folder is released when its owner dies."""
        self._directory.disown()

    def require_space(self, n_bytes: int) -> None:
        """OutputError now if the disk is too full for what will be saved."""
        free = shutil.disk_usage(self.path).free
        if free < n_bytes:
            raise OutputError(
                f"The disk of {self.path} has {free / 1e6:.0f} MB left and the run needs "
                f"{n_bytes / 1e6:.0f}: free some space or choose another --out."
            )

    def note(self, **values: Any) -> None:
        """Note the status of the run, for `openvss runs`."""
        before = next(read_settings([self.path / STATUS]), {})
        write_text(self.path / STATUS, json.dumps({**before, **values}, indent=2) + "\n")

    def found(self) -> Settings | None:
        """The recipe of the run in the folder."""
        if not (self.path / RECIPE).exists() and (self.path / STATUS).exists():
            raise InputError(f"{self.path} holds the results of another command: choose another --out.")
        if not holds_run(self.path):
            return None
        return read_recipe(self.path) or {}

    def differences(self, found: Settings) -> list[Difference]:
        """What keeps that run from being resumed: a recipe other than the one it was started with."""
        differing = differences(found, self._recipe)
        return [one for one in differing if not set(FREE_TO_CHANGE) & set(one.key.split("."))]

    def take_up(self) -> bool:
        """Continue the run in the folder, with what was free to change."""
        self._write_recipe()
        return False

    def begin(self, found: Settings | None) -> None:
        """Start over, in place of the run in the folder, if any."""
        if (self.path / RECIPE).exists():
            _clear(self.path)
        self._write_recipe()

    def _write_recipe(self) -> None:
        text = yaml.safe_dump(self._recipe, sort_keys=False, allow_unicode=True)
        write_text(self.path / RECIPE, text)


def read_recipe(path: Path) -> dict[str, Any] | None:
    """The recipe of the run in a folder; None if it is damaged."""
    try:
        found = yaml.safe_load((path / RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None
    return found if isinstance(found, dict) else None


def make_room(out: Path, folders: Sequence[Path], *, overwrite: bool) -> None:
    """Before stages are trained in `folders` of `out`: no earlier run may be taken for a part of this one.

    With `overwrite` it is deleted completely, so that a run that dies in its first stage resumes no old one.
    """
    for path in filter(holds_run, dict.fromkeys([*folders, out, *_stages(out)])):
        if overwrite:
            lock = FolderLock(path)
            lock.acquire()
            _clear(path)
            lock.release()
            if path not in folders and not any(path.iterdir()):
                path.rmdir()
        elif path not in folders:
            raise InputError(
                f"{path} holds a run that is not part of this recipe: replace it with --overwrite, or choose "
                "another --out."
            )


def _stages(out: Path) -> list[Path]:
    """Folders in which stages were trained, as opposed to runs of their own."""
    found = []
    for status in sorted(out.glob(f"*/{STATUS}")):
        with contextlib.suppress(OSError):
            found += [status.parent for values in read_settings([status]) if values.get("stage")]
    return found


def holds_run(path: Path) -> bool:
    """Whether there is a run: its state is saved before the first step."""
    # A recipe alone is left by a run that failed because of a mistake in it.
    return (path / RECIPE).exists() and any(path.glob("*.safetensors"))


def _clear(folder: Path) -> None:
    for path in [path for pattern in OWN for path in folder.glob(pattern)]:
        delete(path)
