"""The folder of one evaluation: whose it is, what is unfinished, and how finished files get their names.

Everything unfinished stands in `.partial`, with the settings and a file for each scored video. At the end the
report's files move to their names, `metrics.json` last: a folder that holds it holds a finished evaluation.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openvss.data.base import Dataset
from openvss.errors import InputError
from openvss.evaluation import video_scores
from openvss.evaluation.compare import RESULTS
from openvss.evaluation.metrics.catalogue import all_files
from openvss.evaluation.video_scores import VideoScore
from openvss.storage.lock import FolderLock
from openvss.video.folder import make_folder, output_error

PARTIAL = ".partial"
SETTINGS = "settings.json"
PAGE = "report.md"


class ResultFolder:
    """Where one evaluation writes.

    Attributes:
        out: The folder.
        drafts: For the files of the report while they are made.
        settings: Everything that decides the result; it must be equal for a run to be resumed.
    """

    def __init__(self, out: Path, settings: Mapping[str, Any]) -> None:
        self.out = out
        self.drafts = out / PARTIAL / "report"
        self.settings: dict[str, Any] = json.loads(json.dumps(settings))
        self._lock = FolderLock(out)

    def claim(self, *, resume: bool, overwrite: bool) -> bool:
        """Make the folder ready for this evaluation; True if it stands there already, finished."""
        if resume and overwrite:
            raise InputError("--resume continues a run and --overwrite replaces it: use only one of them.")
        finished = True
        make_folder(self.out)
        with self.reporting():
            self._lock.acquire()
            try:
                finished = self._take(resume=resume, overwrite=overwrite)
            finally:
                if finished:  # or refused
                    self.release()
        return finished

    def release(self) -> None:
        """Let other runs have the folder."""
        self._lock.release()

    def finished_frames(self, dataset: Dataset) -> int:
        """How many labelled frames an interrupted run has scored."""
        finished = (clip for number, clip in enumerate(dataset.clips) if self._video(number).exists())
        return sum(label is not None for clip in finished for label in clip.labels)

    def load(self, video: int) -> VideoScore | None:
        """The score of a video that an interrupted run finished."""
        return video_scores.load(self._video(video))

    def save(self, video: int, score: VideoScore) -> None:
        """Keep the score of a video."""
        with self.reporting():
            video_scores.save(score, self._video(video))

    def leave(self) -> None:
        """Let other runs have the folder, and leave nothing behind of a run that finished no video."""
        empty = not any((self.out / PARTIAL).glob("*.npz"))
        if empty:
            shutil.rmtree(self.out / PARTIAL, ignore_errors=True)
        self.release()
        if empty:
            with contextlib.suppress(OSError):  # it holds other files
                self.out.rmdir()

    def publish(self) -> None:
        """Give the files of the report, which are complete, their names; those of an earlier one go."""
        with self.reporting():
            for name in (RESULTS, *all_files(), PAGE):
                (self.out / name).unlink(missing_ok=True)
            for name in (*all_files(), PAGE, RESULTS):
                if (self.drafts / name).exists():
                    (self.drafts / name).replace(self.out / name)
            shutil.rmtree(self.out / PARTIAL)
            self.release()

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Turn errors of the file system into a sentence."""
        try:
            yield
        except OSError as error:
            raise output_error(self.out, error) or error from error

    @property
    def _finished(self) -> bool:
        return not (self.out / PARTIAL).exists() and (self.out / RESULTS).exists()

    def _video(self, number: int) -> Path:
        return self.out / PARTIAL / f"{number:06d}.npz"

    def _found(self) -> dict[str, Any] | None:
        """The settings of the evaluation in the folder."""
        for path in (self.out / PARTIAL / SETTINGS, self.out / RESULTS):
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
            except (FileNotFoundError, ValueError):
                continue
            if isinstance(found, dict) and self.settings.keys() <= found.keys():
                return {key: found[key] for key in self.settings}
        return None

    def _take(self, *, resume: bool, overwrite: bool) -> bool:
        found = self._found()
        if found is not None and resume:
            self._compare(found)
            return self._finished
        if found is not None and not overwrite:
            raise InputError(
                f"{self.out} already holds an evaluation: continue it with --resume, replace it with "
                "--overwrite, or choose another --out."
            )
        self._begin(ours=found is not None)
        return False

    def _compare(self, found: Mapping[str, Any]) -> None:
        """Refuse to go on with an evaluation of other settings."""
        before, now = _compared(found), _compared(self.settings)
        differing = [key.removesuffix("_sha256") for key in now if before[key] != now[key]]
        if differing:
            raise InputError(
                f"The evaluation in {self.out} had other settings ({', '.join(differing)}): resume it with "
                "its own, replace it with --overwrite, or choose another --out."
            )

    def _begin(self, *, ours: bool) -> None:
        for name in (RESULTS, *all_files(), PAGE):
            if (self.out / name).exists() and not ours:
                raise InputError(
                    f"{self.out / name} is there already and no evaluation of OpenVSS made it: "
                    "move it away or choose another --out."
                )
        shutil.rmtree(self.out / PARTIAL, ignore_errors=True)
        self.drafts.mkdir(parents=True)
        draft = self.drafts / SETTINGS
        draft.write_text(json.dumps(self.settings, indent=2, ensure_ascii=False), encoding="utf-8")
        draft.replace(self.out / PARTIAL / SETTINGS)


def _compared(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What has to agree: data, weights and predictions are known by content, not by where they lie."""
    compared = {key: value for key, value in settings.items() if key != "predictions"}
    for part, place in (("data", "root"), ("model", "weights")):
        if isinstance(compared[part], dict):
            compared[part] = {key: value for key, value in compared[part].items() if key != place}
    return compared
