"""One round of pseudo-labels: every picture labelled by a frozen snapshot, restartable at any picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from openvss.errors import InputError
from openvss.models.stseg.pseudo import UNLABELLED, PseudoLabel, Refinement
from openvss.storage.atomic import replacing
from openvss.training.targets.teacher import Teacher
from openvss.video.formats.classes import class_infos
from openvss.video.formats.masks import is_whole_png, mask_png, palette
from openvss.video.images import read_image
from openvss.video.labelmap import Labels, label_dtype, unlabelled_id

ROUND, WORDS, LABELS, BEFORE = "round.json", "words.jsonl", "labels", "before"


@dataclass(frozen=True)
class UnlabelledPicture:
    """A picture without labels: a name that can be a file's, and where it is."""

    name: str
    path: Path


class Round:
    """A folder of pseudo-labels.

        round.json     what they were made with; a folder of anything else is refused
        labels/        a mask for each picture, 255 (or 65535) where no word was sure
        before/        the same without the region prior, for comparison
        words.jsonl    a line for each finished picture: the words that passed, how sure, what drifted

    Args:
        folder: Is made if need be; finished pictures in it are not labelled again.
        names: The words in id order.
        made_with: Whatever makes the labels what they are, such as the hash of the snapshot.
    """

    def __init__(self, folder: Path, names: Sequence[str], made_with: Mapping[str, Any]) -> None:
        self.folder = folder
        self.names = tuple(names)
        self._palette = palette(class_infos([(name, (name,)) for name in names]))
        folder.mkdir(parents=True, exist_ok=True)
        self._claim({**made_with, "words": list(names)})
        self.lines = self._recover()

    def label(
        self,
        pictures: Sequence[UnlabelledPicture],
        teacher: Teacher,
        refine: Refinement,
        update: Callable[[int], None] = lambda done: None,
    ) -> None:
        """Label what is not labelled yet; `update` is told how many pictures are finished."""
        with (self.folder / WORDS).open("a", encoding="utf-8") as journal:
            for done, picture in enumerate(pictures):
                update(done)
                if picture.name in self.lines:
                    continue
                pixels = read_image(picture.path)
                found = refine(*teacher(pixels), (pixels.shape[0], pixels.shape[1]))
                self._write(LABELS, picture.name, found.ids)
                self._write(BEFORE, picture.name, found.before)
                line = self._line(picture.name, found)
                journal.write(json.dumps(line) + "\n")
                journal.flush()
                self.lines[picture.name] = line
        update(len(pictures))

    def label_file(self, name: str) -> Path:
        """Where the mask of a picture is."""
        return self.folder / LABELS / f"{name}.png"

    def _claim(self, made_with: dict[str, Any]) -> None:
        file = self.folder / ROUND
        if not file.exists():
            file.write_text(json.dumps(made_with, indent=2) + "\n", encoding="utf-8")
        elif json.loads(file.read_text(encoding="utf-8")) != json.loads(json.dumps(made_with)):
            raise InputError(
                f"The pseudo-labels in {self.folder} were made with another model, other words or settings: "
                "remove the folder or choose another one."
            )

    def _recover(self) -> dict[str, dict[str, Any]]:
        """Lines of finished pictures; a half-written last line is cut off."""
        file = self.folder / WORDS
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            file.write_text(whole, encoding="utf-8")
        lines = [json.loads(line) for line in whole.splitlines()]
        return {line["name"]: line for line in lines if is_whole_png(self.label_file(line["name"]))}

    def _write(self, part: str, name: str, ids: Tensor) -> None:
        file = self.folder / part / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as draft:
            draft.write_bytes(mask_png(self._mask(ids), self._palette))

    def _mask(self, ids: Tensor) -> Labels:
        n = len(self.names)
        mask = np.where(ids.cpu() == UNLABELLED, unlabelled_id(n), ids.cpu())
        return mask.astype(np.uint8) if label_dtype(n) is np.uint8 else mask.astype(np.uint16)

    def _line(self, name: str, found: PseudoLabel) -> dict[str, Any]:
        return {
            "name": name,
            "words": found.words.tolist(),
            "confidence": [round(c, 4) for c in found.confidence.tolist()],
            "drifted": found.drifted.int().tolist(),
            "labelled": round((found.ids != UNLABELLED).float().mean().item(), 4),
            "changed": round((found.ids != found.before).float().mean().item(), 4),
        }
