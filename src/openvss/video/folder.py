"""The folder of one segmentation: what is unfinished in it, and how finished files get their names.

Everything unfinished is in `.partial`, with the settings in `run.json`. Once all files are complete, a
marker says so and they move to their names, `run.json` last: a folder with `run.json` holds a finished run.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from openvss.errors import InputError
from openvss.storage.atomic import delete, delete_if_empty, missing_folders, move_all, write_text
from openvss.storage.directory import PARTIAL, RunDirectory, refuse_foreign, refuse_links
from openvss.storage.settings import Difference, Settings, differences, read_settings
from openvss.video.formats.catalogue import FORMATS, MASKS
from openvss.video.formats.classes import ClassInfo, classes_json
from openvss.video.formats.contract import frame_name
from openvss.video.formats.masks import is_whole_png
from openvss.video.formats.style import OverlayStyle
from openvss.video.journal import CHECKS, STATS, count_frames, mask_files

MARKER = "complete"
RUN = "run.json"
CLASSES = "classes.json"
ALWAYS = (CLASSES, STATS)
JOURNAL = (RUN, CLASSES, STATS, CHECKS, "masks")
# An unfinished run whose settings were damaged: it can only be replaced.
UNREADABLE: Settings = {"output": {"formats": [MASKS]}}


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
        run: Settings,
        classes: Sequence[ClassInfo],
        formats: Sequence[str],
        style: OverlayStyle,
    ) -> None:
        self.out = out
        self.partial = out / PARTIAL
        self.masks = (out if MASKS in formats else self.partial) / "masks"
        self._formats = formats
        self._classes = classes_json(classes)
        self._words = [c.name for c in classes]
        # As JSON gives it back. This module recognises its own `run.json` by "output".
        self._settings: dict[str, Any] = json.loads(
            json.dumps({**run, "output": {"formats": list(formats), **asdict(style)}})
        )
        self._new = missing_folders(out)
        self._directory = RunDirectory(out)

    def claim(self, *, resume: bool, overwrite: bool) -> bool:
        """Prepare the folder for this run; True if it is already finished."""
        return self._directory.claim(self, resume=resume, overwrite=overwrite)

    def release(self) -> None:
        """Release the folder to other runs."""
        self._directory.release()

    def clean(self) -> None:
        """Delete the half-written files of an interrupted run; its journal stays."""
        if (self.partial / MARKER).exists():
            return  # nothing is half-written, only some names are still missing
        for path in self.partial.iterdir():
            if path.name not in JOURNAL:
                delete(path)

    def publish(self, broken: str | None = None) -> None:
        """Give all files, which are complete, their names. Interrupted, it can be done again."""
        if broken is not None:
            self._write_settings({**self._settings, "broken": broken})
        (self.partial / MARKER).touch()
        move_all(self._names(), self.partial, self.out)
        shutil.rmtree(self.partial)

    def discard(self) -> None:
        """Remove the traces of a run that wrote nothing."""
        shutil.rmtree(self.partial, ignore_errors=True)
        self.release()
        delete_if_empty(self.masks)
        for folder in self._new:
            delete_if_empty(folder)

    def products(self) -> list[str]:
        """The files and folders of the finished run."""
        return sorted(name for name in self._names() if (self.out / name).exists())

    def found(self) -> Settings | None:
        """The settings of the run in the folder."""
        refuse_links(self._folders())
        for found in read_settings((self.partial / RUN, self.out / RUN)):
            if _is_run(found):
                return found
        return UNREADABLE if (self.partial / STATS).exists() else None

    def differences(self, found: Settings) -> list[Difference] | list[str]:
        """The settings that differ, else whether the words do."""
        if found is UNREADABLE:
            return [f"its {RUN} cannot be read"]
        differing = differences(_compared(found), _compared(self._settings))
        if differing:
            return differing
        written = map(_classes_of, (self.partial / CLASSES, self.out / CLASSES))
        now = json.loads(self._classes)
        return ["the words"] if any(one is not None and one != now for one in written) else []

    def take_up(self) -> bool:
        """Continue the run in the folder; True if it is finished."""
        if (self.partial / MARKER).exists():
            self.publish()
        if (self.out / RUN).exists():
            self._require_all()
            for settings in read_settings([self.out / RUN]):
                self.broken = str(settings["broken"]) if settings.get("broken") else None
            shutil.rmtree(self.partial, ignore_errors=True)
            return True
        self.clean()
        self._write_classes()
        return False

    def begin(self, found: Settings | None) -> None:
        """Start over, in place of the run in the folder, if any."""
        refuse_foreign(self._foreign(own=() if found is None else _names_of(found)))
        if found is not None:
            self._remove(found)
            refuse_foreign(self._foreign())
        shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir()
        self._write_classes()
        self._write_settings(self._settings)

    def _names(self) -> list[str]:
        """All files that a run of these formats can leave, `run.json` last."""
        return [*(name for chosen in self._formats for name in FORMATS[chosen].products), *ALWAYS, RUN]

    def _folders(self) -> Iterator[Path]:
        """Where a run of these formats makes folders."""
        yield self.partial
        for name in ("masks", *self._names()):
            if not Path(name).suffix:
                yield self.out / name
                yield self.partial / name

    def _require_all(self) -> None:
        """InputError if the finished run in the folder has lost something."""
        lost = next(self._lost(), None)
        if lost is not None:
            raise InputError(
                f"The finished run in {self.out} has lost {lost}, which is missing or damaged: make it again "
                "with --overwrite."
            )

    def _lost(self) -> Iterator[str]:
        for name in self._formats:
            products = FORMATS[name].products
            missing = [product for product in products if not (self.out / product).exists()]
            # A format with a writer of its own for images leaves one of its products, others all of them.
            if missing and (FORMATS[name].image is None or missing == list(products)):
                yield missing[0]
        if _classes_of(self.out / CLASSES) != json.loads(self._classes):
            yield CLASSES
        frames = count_frames(self.out / STATS, self._words)
        if frames is None:
            yield STATS
        elif MASKS in self._formats:
            names = map(frame_name, range(frames))
            yield from (f"masks/{name}" for name in names if not is_whole_png(self.masks / name))

    def _write_classes(self) -> None:
        write_text(self.partial / CLASSES, self._classes, self.partial / "classes.tmp")

    def _write_settings(self, settings: Settings) -> None:
        text = json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
        write_text(self.partial / RUN, text, self.partial / "run.tmp")

    def _foreign(self, own: Collection[str] = ()) -> Iterator[Path]:
        """Existing files in the way of this run's files, besides the `own` ones of an earlier run."""
        for name in self._names():
            if name in own:
                continue
            path = self.out / name
            if path == self.masks and path.is_dir():
                foreign = bool(mask_files(path))
            else:
                foreign = any(path.iterdir()) if path.is_dir() and path.suffix == "" else path.exists()
            if foreign:
                yield path

    def _remove(self, found: Settings) -> None:
        """Delete the files of an earlier run, and nothing else."""
        formats = [FORMATS[name] for name in found["output"]["formats"] if name in FORMATS]
        names = [name for name in _names_of(found) if name != RUN]
        refuse_links(self.out / name for name in names if not Path(name).suffix)
        inner = [folder for chosen in formats if chosen.folders for folder in chosen.folders(self.out)]
        # First it becomes an unfinished run, so that this too can be interrupted.
        self.partial.mkdir(exist_ok=True)
        (self.partial / MARKER).unlink(missing_ok=True)
        move_all([RUN], self.out, self.partial)
        for folder in inner:
            for mask in mask_files(folder):
                mask.unlink()
            delete_if_empty(folder)
        for name in names:
            path = self.out / name
            for mask in mask_files(path):
                mask.unlink()
            if path.is_dir():
                delete_if_empty(path)
            else:
                path.unlink(missing_ok=True)
        shutil.rmtree(self.partial)


def _is_run(found: Settings) -> bool:
    output = found.get("output")
    formats = output.get("formats") if isinstance(output, dict) else None
    return isinstance(formats, list) and all(isinstance(name, str) for name in formats)


def _classes_of(path: Path) -> object:
    """The words that a run wrote down; None if they cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError, ValueError, RecursionError):
        return None


def _compared(settings: Settings) -> Settings:
    """What has to agree for a run to be resumed: its input is identified by content, not by path."""
    return {key: value for key, value in settings.items() if key not in ("input", "broken")}


def _names_of(found: Settings) -> list[str]:
    """All files that an earlier run can have left."""
    formats = (FORMATS[name] for name in found["output"]["formats"] if name in FORMATS)
    return [*(name for chosen in formats for name in chosen.products), *ALWAYS, RUN]
