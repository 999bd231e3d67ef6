"""The folder of one run: whose it is, and whether it can be written, found out before the first step."""

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
from openvss.storage.lock import FolderLock
from openvss.training.recipe.schema import Recipe
from openvss.video.folder import make_folder

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
FREE_TO_CHANGE = ("saving", "workers", "cache", "pin_memory")  # none of these decides what is learnt


class RunFolder:
    """Where one stage of training writes."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self.path = path
        self._recipe = recipe
        self._lock = FolderLock(path)

    @property
    def state(self) -> Path:
        """The file of the state."""
        return self.path / STATE

    def claim(self, *, resume: bool, overwrite: bool) -> None:
        """Make the folder ready; on the main process only."""
        make_folder(self.path)
        if not os.access(self.path, os.W_OK):
            raise OutputError(f"The folder {self.path} cannot be written: choose another --out.")
        self._lock.acquire()
        try:
            self._take(resume=resume, overwrite=overwrite)
        except BaseException:
            self._lock.release()
            raise

    def release(self) -> None:
        """Let other runs have the folder."""
        self._lock.release()

    def disown(self) -> None:
        """In a worker process: the folder is free once its owner is dead."""
        self._lock.disown()

    def require_space(self, n_bytes: int) -> None:
        """Complain now if the disk is too full for what will be saved."""
        free = shutil.disk_usage(self.path).free
        if free < n_bytes:
            raise OutputError(
                f"The disk of {self.path} has {free / 1e6:.0f} MB left and the run needs "
                f"{n_bytes / 1e6:.0f}: free some space or choose another --out."
            )

    def note(self, **values: Any) -> None:
        """Say how the run stands, for `openvss runs`."""
        path = self.path / STATUS
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = {}
        draft = path.with_name(f".{STATUS}")
        draft.write_text(json.dumps({**before, **values}, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)

    def _take(self, *, resume: bool, overwrite: bool) -> None:
        saved = self.path / RECIPE
        if not saved.exists() and (self.path / STATUS).exists():
            raise InputError(f"{self.path} holds what another command wrote: choose another --out.")
        begun = _begun(self.path)
        if begun and not (resume or overwrite):
            raise InputError(
                f"{self.path} already holds a run: go on with --resume, replace it with --overwrite, or "
                "choose another --out."
            )
        if begun and resume:
            self._compare(yaml.safe_load(saved.read_text(encoding="utf-8")))
        elif saved.exists():
            _clear(self.path)
        text = yaml.safe_dump(as_data(self._recipe), sort_keys=False, allow_unicode=True)
        draft = saved.with_name(f".{RECIPE}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(saved)

    def _compare(self, saved: dict[str, Any]) -> None:
        """A run goes on with the recipe that it was begun with."""
        for key, before, now in _differences(saved, as_data(self._recipe)):
            if not any(part in FREE_TO_CHANGE for part in key.split(".")):
                raise InputError(
                    f"The run in {self.path} has {key}: {json.dumps(before)} and not {json.dumps(now)}: "
                    "resume it with its own recipe, or choose another --out."
                )


def make_room(out: Path, folders: Sequence[Path], *, overwrite: bool) -> None:
    """Before stages are trained in `folders` of `out`: no earlier run may be taken for a part of this one.

    With `overwrite` it goes as a whole: should this run die in its first stage, none would be taken up later.
    """
    for path in filter(_begun, dict.fromkeys([*folders, out, *_stages(out)])):
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
    """Folders in which stages were trained, and no runs of their own that are called so."""
    found = []
    for status in sorted(out.glob(f"*/{STATUS}")):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if json.loads(status.read_text(encoding="utf-8")).get("stage"):
                found.append(status.parent)
    return found


def _begun(path: Path) -> bool:
    """Whether there is a run: its state is saved before the first step."""
    # A recipe alone is what a mistake in it has left.
    return (path / RECIPE).exists() and any(path.glob("*.safetensors"))


def _clear(folder: Path) -> None:
    for path in [path for pattern in OWN for path in folder.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def as_data(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data, every key given."""
    data: dict[str, Any] = json.loads(recipe.model_dump_json())
    return data


def _differences(before: Any, now: Any, key: str = "") -> list[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(now, dict):
        found = []
        for name in [*before, *(name for name in now if name not in before)]:
            inner = f"{key}.{name}" if key else str(name)
            found += _differences(before.get(name), now.get(name), inner)
        return found
    return [] if before == now else [(key, before, now)]
