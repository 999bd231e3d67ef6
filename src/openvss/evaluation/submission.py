"""Predictions in the format of the VSPW challenge.

A zip file with one folder for each video and in it one PNG for each frame, named like the frame:

    <video>/<frame>.png        such as 1005_bFeaMYtdFnI/00000245.png

Its pixels are class ids 0 to 123, in the official order. They are *not* the raw ids 1 to 124 of the masks:
the challenge's baseline writes the plain argmax of 124 scores, and the evaluation scripts subtract one from
the ground truth only. Every pixel must have a class; the scripts have no "unlabelled", and would book it to
another class.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from openvss.data.base import Clip, Ids
from openvss.errors import InputError, OutputError
from openvss.evaluation.predictions import Predictions
from openvss.storage.atomic import own_draft
from openvss.video.formats.classes import class_infos
from openvss.video.formats.masks import mask_png, palette
from openvss.video.labelmap import Labels
from openvss.words.vocabulary import Vocabulary

N_CLASSES = 124


class Submission:
    """The zip file, written frame by frame; use it as a context manager.

    It appears under its name when everything has been added, and not at all if an error ends the block. The
    same predictions in the same order give the same bytes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = own_draft(path)
        self._names: set[str] = set()
        names = Vocabulary.parse("vspw").names
        self._palette = palette(class_infos([(name, (name,)) for name in names]))
        try:
            self._zip = zipfile.ZipFile(self._partial, "w")
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, video: str, frame: str, predictions: Labels) -> None:
        """One frame: (H, W) class ids 0..123; `frame` is the name of its image, with or without suffix."""
        name = f"{video}/{Path(frame).stem}.png"
        if name in self._names:
            raise InputError(f"The frame {name} is given twice: remove one of its predictions.")
        highest = int(predictions.max())
        if highest >= N_CLASSES:
            raise InputError(
                f"The prediction for {name} holds the id {highest}, but a submission has the ids 0 to "
                f"{N_CLASSES - 1} only: leave no pixel unlabelled."
            )
        self._names.add(name)
        png = mask_png(predictions.astype("uint8"), self._palette)
        try:
            # ZipInfo as it comes has a fixed date and no compression, which would gain nothing on PNGs.
            self._zip.writestr(zipfile.ZipInfo(name), png)
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._zip.close()
            if kind is None:
                self._partial.replace(self._path)
        except OSError as failure:
            if kind is None:
                raise self._unwritable(failure) from failure
        finally:
            self._partial.unlink(missing_ok=True)

    def _unwritable(self, error: OSError) -> OutputError:
        reason = error.strerror or str(error)
        return OutputError(f"Cannot write the submission {self._path} ({reason}): choose another place.")


def predict_all(predictions: Predictions, clip: Clip) -> Iterator[tuple[int, Ids]]:
    """The predicted classes of every frame of a video without labels."""
    # Only which frames have labels matters here, not what the files hold.
    return predictions.of(replace(clip, labels=clip.frames))
