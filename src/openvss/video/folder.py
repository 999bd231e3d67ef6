"""The folder of one run: whose it is, what is unfinished in it, and how finished files get their names.

Everything unfinished stands in `.partial`, with the settings in `run.json`. Once all files are complete, a
marker says so and they move to their names, `run.json` last: a folder with `run.json` holds a finished run.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from av.error import FFmpegError

from openvss.errors import InputError, OpenVSSError, OutputError
from openvss.storage.lock import FolderLock
from openvss.video.formats.catalogue import MASKS, PRODUCTS
from openvss.video.formats.classes import ClassInfo, classes_json
from openvss.video.journal import STATS, mask_files

PARTIAL = ".partial"
MARKER = "complete"
RUN = "run.json"
CLASSES = "classes.json"
ALWAYS = (CLASSES, STATS)
JOURNAL = (RUN, CLASSES, STATS, "masks")

# What can be wrong with a place; other errors of FFmpeg are about what is written there.
FILE_SYSTEM = frozenset(
    {
        *(errno.EACCES, errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOENT, errno.ENOSPC),
        *(errno.EPERM, errno.EROFS),
    }
)

Json = Mapping[str, object]


class SegmentFolder:
    """Where one run writes.

    Attributes:
        partial: For files that are being written.
        masks: For finished masks: part of the result if they were asked for, else of the journal only.
        broken: Why the finished run in the folder ended early, if it did.
    """

    broken: str | None = None

    def __init__(
        self,
        out: Path,
        run: Json,
        classes: Sequence[ClassInfo],
        formats: Sequence[str],
        legend: bool,
    ) -> None:
        self.out = out
        self.partial = out / PARTIAL
        self.masks = (out if MASKS in formats else self.partial) / "masks"
        self._formats = formats
        self._classes = classes_json(classes)
        # What this module adds is also how it knows a `run.json` of its own.
        settings = {**run, "output": {"formats": list(formats), "legend": legend}}
        self._settings = _json(settings)
        self._is_new = not out.exists()
        self._lock = FolderLock(out)

    def claim(self, *, resume: bool, overwrite: bool) -> bool:
        """Make the folder ready for this run; True if the run stands there already, finished."""
        make_folder(self.out)
        try:
            self._lock.acquire()
            return self._claim(resume=resume, overwrite=overwrite)
        except OSError as error:
            self.release()
            raise _unusable(self.out, error) from error
        except InputError:
            self.release()
            raise

    def release(self) -> None:
        """Let other runs have the folder."""
        self._lock.release()

    def _claim(self, *, resume: bool, overwrite: bool) -> bool:
        found = self._found()
        if found and overwrite:
            self._remove(found)
        elif found and not resume:
            raise InputError(
                f"{self.out} already holds a run: continue it with --resume, replace it with --overwrite, "
                "or choose another --out."
            )
        elif found:
            self._compare(found)
            self.broken = _text(found.get("broken"))
            return self._take_up()
        self._begin()
        return False

    def clean(self) -> None:
        """Delete the half-written files of an interrupted run; its journal stays."""
        if (self.partial / MARKER).exists():
            return  # nothing is half-written, only some names are still missing
        for path in self.partial.iterdir():
            if path.name not in JOURNAL:
                _delete(path)

    def publish(self, broken: str | None = None) -> None:
        """Give all files, which are complete, their names. Interrupted, it can be done again."""
        if broken is not None:
            self._write_settings({"broken": broken})
        (self.partial / MARKER).touch()
        for name in self._names():
            path = self.partial / name
            if path.exists():
                path.replace(self.out / name)
        shutil.rmtree(self.partial)

    def discard(self) -> None:
        """Leave nothing behind of a run that wrote nothing."""
        shutil.rmtree(self.partial, ignore_errors=True)
        self.release()
        _delete_if_empty(self.masks)
        if self._is_new:
            _delete_if_empty(self.out)

    def products(self) -> list[str]:
        """The files and folders of the finished run."""
        return sorted(name for name in self._names() if (self.out / name).exists())

    def _names(self) -> list[str]:
        """What a run of these formats can leave, `run.json` last."""
        return [*(name for chosen in self._formats for name in PRODUCTS[chosen]), *ALWAYS, RUN]

    def _found(self) -> Json | None:
        """The settings of the run in the folder."""
        for path in (self.partial / RUN, self.out / RUN):
            try:
                settings = json.loads(path.read_text(encoding="utf-8"))
            except (FileNotFoundError, ValueError):
                continue
            if isinstance(settings, dict) and isinstance(settings.get("output"), dict):
                return settings
        return None

    def _compare(self, found: Json) -> None:
        """Refuse to go on with a run of other settings."""
        mine = json.loads(self._settings)
        differing = _differences(_compared(found), _compared(mine))
        for folder in (self.partial, self.out):
            path = folder / CLASSES
            if not differing and path.exists() and path.read_text(encoding="utf-8") != self._classes:
                differing = ["the words"]
        if differing:
            raise InputError(
                f"The run in {self.out} had other settings ({'; '.join(differing)}): resume it with its own, "
                "replace it with --overwrite, or choose another --out."
            )

    def _take_up(self) -> bool:
        if (self.partial / MARKER).exists():
            self.publish()
        if (self.out / RUN).exists():
            shutil.rmtree(self.partial, ignore_errors=True)
            return True
        self.clean()
        return False

    def _begin(self) -> None:
        self._refuse_foreign_files()
        shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir()
        (self.partial / CLASSES).write_text(self._classes, encoding="utf-8", newline="\n")
        self._write_settings({})

    def _write_settings(self, more: Json) -> None:
        draft = self.partial / "run.tmp"
        draft.write_text(_json({**json.loads(self._settings), **more}), encoding="utf-8", newline="\n")
        draft.replace(self.partial / RUN)

    def _refuse_foreign_files(self) -> None:
        """What no run of ours wrote is never replaced."""
        for name in self._names():
            path = self.out / name
            if path == self.masks and path.is_dir():
                foreign = bool(mask_files(path))
            else:
                foreign = any(path.iterdir()) if path.is_dir() and path.suffix == "" else path.exists()
            if foreign:
                raise InputError(
                    f"{path} is there already and no run of OpenVSS made it: "
                    "move it away or choose another --out."
                )

    def _remove(self, found: Json) -> None:
        """Delete what an earlier run wrote, and nothing else."""
        # First it becomes an unfinished run, so that this too can be interrupted.
        self.partial.mkdir(exist_ok=True)
        (self.partial / MARKER).unlink(missing_ok=True)
        if (self.out / RUN).exists():
            (self.out / RUN).replace(self.partial / RUN)
        output = found["output"]
        formats = output["formats"] if isinstance(output, dict) else ()
        for name in (*(n for chosen in formats for n in PRODUCTS.get(chosen, ())), *ALWAYS):
            path = self.out / name
            for mask in mask_files(path):
                mask.unlink()
            if path.is_dir():
                _delete_if_empty(path)
            else:
                path.unlink(missing_ok=True)
        shutil.rmtree(self.partial)


def output_error(folder: Path, error: BaseException) -> OutputError | None:
    """The sentence for an error of the file system; None for any other error."""
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(f"The disk of {folder} is full: free some space and run again with --resume.")
    if isinstance(error, OSError | FFmpegError):
        return OutputError(
            f"Cannot write to {folder} ({error.strerror or error}): see to it and use --resume."
        )
    return None


def format_error(name: str, error: BaseException) -> OutputError | None:
    """The sentence for what an encoder or a container refuses; None for any other error."""
    if not isinstance(error, FFmpegError) or error.errno in FILE_SYSTEM:
        return None
    return OutputError(
        f"The format {name} cannot take this video ({error.strerror}): leave it out of --format, "
        "and start again with --overwrite."
    )


def _json(settings: Json) -> str:
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _compared(settings: Json) -> Json:
    """What has to agree for a run to be resumed: its input is known by content, not by how it is spelt."""
    return {key: value for key, value in settings.items() if key not in ("input", "broken")}


def make_folder(folder: Path) -> None:
    """Make a folder for output, with those above it, unless it is there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:  # what file systems of the kernel's own say
        raise InputError(f"{folder} cannot be made ({error.strerror}): choose another --out.") from error
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> OpenVSSError:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return InputError(
            f"{folder} cannot be the output folder, there is a file in its way: choose another --out."
        )
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return InputError(f"{folder} is not writable ({error.strerror}): choose another --out.")
    return output_error(folder, error) or OutputError(str(error))


def _differences(old: Json, new: Json, prefix: str = "") -> list[str]:
    """Every setting that differs, with both values."""
    found = []
    for key in sorted({*old, *new}):
        before, now = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(now, dict):
            found += _differences(before, now, f"{prefix}{key}.")
        elif before != now:
            found.append(f"{prefix}{key}: {_short(before)} then, {_short(now)} now")
    return found


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _delete_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
