"""The folder of one evaluation: who is using it, what is unfinished, and how finished files get their names.

Everything unfinished is in `.partial`, with the settings and a file for each scored video. At the end the
report's files move to their names, `metrics.json` last: a folder that holds it holds a finished evaluation.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openvss.data.base import Dataset
from openvss.evaluation import video_scores
from openvss.evaluation.compare import RESULTS
from openvss.evaluation.metrics.catalogue import all_files
from openvss.evaluation.video_scores import VideoScore
from openvss.storage.atomic import move_all, write_text
from openvss.storage.directory import PARTIAL, RunDirectory, refuse_foreign
from openvss.storage.file_errors import reporting
from openvss.storage.settings import Difference, Settings, differences, read_settings

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
        self._directory = RunDirectory(out, "evaluation")

    def claim(self, *, resume: bool, overwrite: bool) -> bool:
        """Prepare the folder for this evaluation; True if it is already finished."""
        return self._directory.claim(self, resume=resume, overwrite=overwrite)

    def release(self) -> None:
        """Release the folder to other runs."""
        self._directory.release()

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
        """Release the folder to other runs, and remove the traces of a run that finished no video."""
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
            move_all((*all_files(), PAGE, RESULTS), self.drafts, self.out)
            shutil.rmtree(self.out / PARTIAL)
            self.release()

    def reporting(self) -> contextlib.AbstractContextManager[None]:
        """Turn file system errors into a sentence."""
        return reporting(self.out)

    def found(self) -> Settings | None:
        """The settings of the evaluation in the folder."""
        for found in read_settings((self.out / PARTIAL / SETTINGS, self.out / RESULTS)):
            if self.settings.keys() <= found.keys():
                return {key: found[key] for key in self.settings}
        return None

    def differences(self, found: Settings) -> list[Difference]:
        """The settings that keep an evaluation from being resumed as this one."""
        return differences(_compared(found), _compared(self.settings))

    def take_up(self) -> bool:
        """Continue the evaluation in the folder; True if it is finished."""
        return not (self.out / PARTIAL).exists() and (self.out / RESULTS).exists()

    def begin(self, found: Settings | None) -> None:
        """Start over; the files of the evaluation that was found stay until this one is published."""
        if found is None:
            refuse_foreign(
                self.out / name for name in (RESULTS, *all_files(), PAGE) if (self.out / name).exists()
            )
        shutil.rmtree(self.out / PARTIAL, ignore_errors=True)
        self.drafts.mkdir(parents=True)
        text = json.dumps(self.settings, indent=2, ensure_ascii=False)
        write_text(self.out / PARTIAL / SETTINGS, text, self.drafts / SETTINGS)

    def _video(self, number: int) -> Path:
        return self.out / PARTIAL / f"{number:06d}.npz"


def _compared(settings: Settings) -> dict[str, Any]:
    """What has to agree: data, weights and predictions are identified by content, not by path."""
    compared = {key: value for key, value in settings.items() if key != "predictions"}
    for part, place in (("data", "root"), ("model", "weights")):
        if isinstance(compared[part], dict):
            compared[part] = {key: value for key, value in compared[part].items() if key != place}
    return compared
