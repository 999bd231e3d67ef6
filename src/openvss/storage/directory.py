"""The folder of one run: who is using it, and whether a run starts in it, continues or is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from openvss.errors import InputError
from openvss.storage.file_errors import make_folder, unusable
from openvss.storage.lock import LOCK, FolderLock
from openvss.storage.settings import Settings

PARTIAL = ".partial"  # holds unfinished files, in folders that people look at
MOST_NAMED = 5  # differing settings in a message


class RunContents(Protocol):
    """What a kind of run knows about its folder. All of this is called with the folder locked."""

    def found(self) -> Settings | None:
        """The settings of the run in the folder; None if there is none."""

    def differences(self, found: Settings) -> Sequence[object]:
        """What keeps that run from being resumed as this one; messages show the `str` of each."""

    def take_up(self) -> bool:
        """Prepare the folder to continue that run; True if it is finished."""

    def begin(self, found: Settings | None) -> None:
        """Prepare the folder for a new run that replaces the one found."""


class RunDirectory:
    """A folder that one run at a time writes to.

    Args:
        path: The folder.
        kind: What a run of this kind is called in messages: "run", "evaluation".
    """

    def __init__(self, path: Path, kind: str = "run") -> None:
        self.path = path
        self._kind = kind
        self._lock = FolderLock(path)

    def claim(self, contents: RunContents, *, resume: bool, overwrite: bool) -> bool:
        """Make the folder, lock it and prepare it; True, and no longer locked, if the run is finished."""
        if resume and overwrite:
            raise InputError("--resume continues a run and --overwrite replaces it: use only one of them.")
        make_folder(self.path)
        refuse_links([self.path / LOCK, self.path / PARTIAL])
        try:
            self._lock.acquire()
            free = True
            try:
                free = self._take(contents, resume=resume, overwrite=overwrite)
            finally:
                if free:  # finished or refused
                    self.release()
        except OSError as error:
            raise unusable(self.path, error) from error
        return free

    def release(self) -> None:
        """Release the folder to other runs."""
        self._lock.release()

    def disown(self) -> None:
        """In a process forked from the run: the folder is released when the run dies."""
        self._lock.disown()

    def _take(self, contents: RunContents, *, resume: bool, overwrite: bool) -> bool:
        found = contents.found()
        if found is not None and resume:
            self._require_none(contents.differences(found))
            return contents.take_up()
        if found is not None and not overwrite:
            differing = contents.differences(found)
            with_others = f" made with different settings ({_listed(differing)})" if differing else ""
            continuing = "" if differing else "continue it with --resume, "
            raise InputError(
                f"{self.path} already holds {_a(self._kind)}{with_others}: {continuing}replace it with "
                "--overwrite, or choose another --out."
            )
        contents.begin(found)
        return False

    def _require_none(self, differing: Sequence[object]) -> None:
        if differing:
            raise InputError(
                f"The {self._kind} in {self.path} was made with different settings ({_listed(differing)}): "
                "resume it with the same ones, replace it with --overwrite, or choose another --out."
            )


def refuse_foreign(paths: Iterable[Path]) -> None:
    """Files that OpenVSS did not write are never replaced."""
    for path in paths:
        raise InputError(
            f"{path} already exists and was not made by OpenVSS: move it away or choose another --out."
        )


def refuse_links(paths: Iterable[Path]) -> None:
    """A folder's own folders are not somewhere else, where files of others would be replaced."""
    for path in paths:
        if path.is_symlink():
            raise InputError(
                f"{path} is a symbolic link, and a run writes only inside its folder: remove it or choose "
                "another --out."
            )


def _listed(differing: Sequence[object]) -> str:
    named = [str(one) for one in differing[:MOST_NAMED]]
    if len(differing) > MOST_NAMED:
        named.append(f"and {len(differing) - MOST_NAMED} more")
    return "; ".join(named)


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
