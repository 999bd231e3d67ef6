"""Frames and labels in, a finished folder out."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from openvss.errors import InputError
from openvss.storage.file_errors import reporting
from openvss.video.folder import SegmentFolder
from openvss.video.formats.catalogue import FORMATS, known_formats
from openvss.video.formats.classes import ClassInfo, class_infos
from openvss.video.formats.contract import Labelled, OutputPlan, SourceInfo
from openvss.video.formats.style import OverlayStyle
from openvss.video.frame import Frame
from openvss.video.journal import STATS, LabelJournal
from openvss.video.labelmap import LabelMap
from openvss.video.worker import Worker
from openvss.wording import counted

__all__ = ["ClassInfo", "OutputFolder", "OverlayStyle", "SourceInfo", "class_infos"]

PLAIN = OverlayStyle()


class OutputFolder:
    """Everything that one run writes; a context manager that closes the folder, or aborts on an error.

    Each format has a thread of its own behind a bounded queue. A killed run can be resumed: frames below
    `finished` go to `replay`, which needs no model, the others to `write`, and the files come out as if
    nothing had happened.

    Attributes:
        finished: Frames that an interrupted run left complete; 0 unless resuming.
        complete: The run to be resumed had finished, so nothing is left to do.
        broken: Why that run ended early, if it did.
    """

    def __init__(
        self,
        out: Path,
        *,
        classes: Sequence[ClassInfo],
        formats: Sequence[str],
        run: Mapping[str, object],
        source: SourceInfo,
        style: OverlayStyle = PLAIN,
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Claim the folder.

        Args:
            out: The folder; it is made if it does not exist.
            classes: The words, from `class_infos`.
            formats: Names of `catalogue.FORMATS`, such as `png` and `overlay`.
            run: The settings, for `run.json`; a run is only resumed with the same ones.
            source: What is known of the coming frames.
            style: How the overlay looks; its own colours are those given to `class_infos`.
            resume: Continue the run in the folder, if there is one.
            overwrite: Replace the run in the folder, if there is one.
        """
        chosen = known_formats(formats)
        for name in chosen:
            FORMATS[name].check(source, style)
        self._source = source
        self._words = tuple(c.name for c in classes)
        self._folder = SegmentFolder(out, run, classes, chosen, style)
        self._workers: list[Worker] = []
        self._next = 0
        self.finished = 0
        self.complete = self._folder.claim(resume=resume, overwrite=overwrite)
        self.broken = self._folder.broken
        self._open = not self.complete
        if self.complete:
            self._folder.release()
            with (out / STATS).open("rb") as lines:
                self.finished = sum(1 for _ in lines) - 1
            return
        plan = OutputPlan(folder=self._folder.partial, classes=classes, source=source, style=style)
        try:
            with reporting(out):
                self._journal = LabelJournal(plan.folder, self._folder.masks, classes)
                self.finished = self._journal.finished
                self._workers.append(Worker(self._journal, "journal"))
                for name in chosen:
                    writer = FORMATS[name].writer(plan)
                    if writer is not None:
                        self._workers.append(Worker(writer, name))
        except BaseException:
            self.abort()
            raise

    @property
    def products(self) -> list[str]:
        """Names of the files and folders that the finished run left."""
        return self._folder.products()

    def replay(self, frame: Frame) -> LabelMap:
        """Take a frame that the interrupted run had finished, and return its labels.

        Their confidence is the frame's mean everywhere, which is all that was kept.
        """
        if frame.index >= self.finished:
            raise ValueError(f"Frame {frame.index} was not finished by the interrupted run: write it")
        self._expect(frame)
        labels = self._journal.replay(frame)
        self._hand_over(Labelled(frame, labels), self._workers[1:])
        return labels

    def write(self, frame: Frame, labels: LabelMap) -> None:
        """Take the next frame; the work happens in threads, which must find both arrays unchanged.

        An error of an earlier frame's work is raised here: OutputError if the disk is full.
        """
        if frame.index < self.finished:
            raise ValueError(f"Frame {frame.index} was finished by the interrupted run: replay it")
        self._expect(frame)
        if labels.labels.shape != frame.pixels.shape[:2] or labels.words != self._words:
            raise ValueError("The labels are not of this frame's size or not of this folder's words")
        self._hand_over(Labelled(frame, labels), self._workers)

    def close(self, broken: str | None = None) -> None:
        """Wait for all work, complete the files and give them their names.

        Args:
            broken: Why the source ended early, to be kept in `run.json`.
        """
        if not self._open:
            return
        try:
            self._complete(broken)
        except BaseException:
            self.abort()
            raise
        self._open = False
        self._folder.release()

    def abort(self) -> None:
        """Stop, and keep what resuming needs: finished masks and statistics."""
        if not self._open:
            return
        self._open = False
        for place, worker in enumerate(self._workers):
            if place == 0:
                worker.finish()  # the journal: frames that wait for it are worth keeping
            else:
                worker.abandon()
        for worker in self._workers:
            with contextlib.suppress(BaseException):
                worker.join()
        with contextlib.suppress(OSError):
            if self._next or self.finished:
                self._folder.clean()
            else:
                self._folder.discard()
        self._folder.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _expect(self, frame: Frame) -> None:
        if not self._open:
            raise ValueError("The output folder is closed")
        height, width = frame.pixels.shape[:2]
        if frame.index != self._next or (width, height) != self._source.size:
            raise ValueError(
                f"Expected frame {self._next} of size {self._source.size}, "
                f"not frame {frame.index} of size {(width, height)}"
            )

    def _hand_over(self, item: Labelled, workers: Sequence[Worker]) -> None:
        with reporting(self._folder.out):
            for worker in workers:
                worker.put(item)
        self._next += 1

    def _complete(self, broken: str | None) -> None:
        if self._next == 0:
            raise InputError("The source has no frames, so there is nothing to write.")
        if self._next < self.finished:
            raise InputError(
                f"The source ends after {counted(self._next, 'frame')}, but the interrupted run saw "
                f"{self.finished}: start again with --overwrite."
            )
        with reporting(self._folder.out):
            for worker in self._workers:
                worker.finish()
            for worker in self._workers:
                worker.join()
            self._folder.publish(broken)
