"""Pictures labelled by a frozen snapshot of the model, for its successor to learn from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from openvss.engines.inputs import input_size, shrink, to_input
from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.stseg.pseudo import UNLABELLED, PseudoLabel, Refinement, Sight
from openvss.models.words import WordEmbeddings
from openvss.storage.atomic import own_draft, replacing, write_text
from openvss.video.formats.classes import class_infos
from openvss.video.formats.masks import is_whole_png, mask_png, palette
from openvss.video.images import read_image
from openvss.video.labelmap import Labels, label_dtype, unlabelled_id
from openvss.video.pixels import Pixels
from openvss.video.prefetch import prefetch

ROUND, WORDS, LABELS, BEFORE = "round.json", "words.jsonl", "labels", "before"


class Teacher:
    """Probabilities of every word in single pictures.

    Args:
        model: Put into eval mode; nothing else is changed.
        words: Embedded by this model.
        size: Short side at which it sees pictures; its own default if None.
    """

    def __init__(self, model: VideoModel, words: WordEmbeddings, size: int | None = None) -> None:
        self.model = model.eval()
        self.words = words
        self.size = size or model.size

    @torch.inference_mode()
    def __call__(self, pixels: npt.NDArray[np.uint8]) -> tuple[Sight, Tensor]:
        """(H, W, 3) -> the picture, and probabilities (N, h', w')."""
        height, width = pixels.shape[:2]
        sizes = (height, width), input_size(height, width, self.size)
        sight = Sight(*(to_input(shrink(pixels, size), self.model.device) for size in sizes))
        logits = self._logits(sight.small)[0].float()
        return sight, logits.sigmoid() if self.model.independent_words else logits.softmax(0)

    def _logits(self, picture: Tensor) -> Tensor:
        """Logits of a picture, as a video of one frame."""
        features = self.model.encode(picture)
        own = self.model.compact(features)
        context = self.model.summarise(own) if self.model.context_frames(0, 1) else None
        fused, _ = self.model.fuse(features, [own] * len(self.model.references), context)
        return self.model.score(fused, self.words).logits


def fingerprint(model: VideoModel) -> str:
    """Hash of all weights, which says which snapshot a label comes from."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


@dataclass(frozen=True)
class UnlabelledPicture:
    """A picture without labels: a name that can be a file's, and where it is."""

    name: str
    path: Path


class LabelFolder:
    """The pseudo-labels of one data set and one round; labelling can be interrupted at any picture.

        round.json     what they were made with; a folder made with anything else is refused
        labels/        a mask for each picture, 255 (or 65535) where no word passed
        before/        the same without the region prior, for comparison
        words.jsonl    a line for each finished picture: the words that passed, their confidence, what drifted
        words.N.jsonl  those of process N, if it is not the main process, until `gather`

    Args:
        folder: Created if missing; finished pictures in it are not labelled again.
        names: The words in id order.
        made_with: Everything that determines the labels, such as the hash of the snapshot.
        share: This process's number, and how many processes fill the folder together.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        made_with: Mapping[str, Any],
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.folder = folder
        self.names = tuple(names)
        self._process, self._processes = share
        self._journal = folder / (f"words.{self._process}.jsonl" if self._process else WORDS)
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
        """Label what remains of this process's share: of n processes, each takes every n-th picture.

        `update` takes the number of finished ones, counted as if all processes were equally fast.
        """
        mine = pictures[self._process :: self._processes]
        rest = [picture for picture in mine if picture.name not in self.lines]
        with self._journal.open("a", encoding="utf-8") as journal:
            for done, (picture, pixels) in enumerate(prefetch(_decoded(rest)), len(mine) - len(rest)):
                update(done * self._processes)
                found = refine(*teacher(pixels))
                self._write(LABELS, picture.name, found.ids)
                self._write(BEFORE, picture.name, found.before)
                line = self._line(picture.name, found)
                journal.write(json.dumps(line) + "\n")
                journal.flush()
                self.lines[picture.name] = line
        update(len(pictures))

    def gather(self, pictures: Sequence[UnlabelledPicture]) -> None:
        """Join what all processes noted, in the order of the pictures; once all are done, in one process."""
        self.lines = self._recover()
        text = "".join(json.dumps(self.lines[picture.name]) + "\n" for picture in pictures)
        write_text(self.folder / WORDS, text)
        for part in self.folder.glob("words.*.jsonl"):
            part.unlink()

    def label_file(self, name: str) -> Path:
        """Where the mask of a picture is."""
        return self.folder / LABELS / f"{name}.png"

    def _claim(self, made_with: dict[str, Any]) -> None:
        file = self.folder / ROUND
        if not file.exists():
            write_text(file, json.dumps(made_with, indent=2) + "\n", own_draft(file))
        elif json.loads(file.read_text(encoding="utf-8")) != json.loads(json.dumps(made_with)):
            raise InputError(
                f"The pseudo-labels in {self.folder} were made with another model, other words or settings: "
                "remove the folder or choose another one."
            )

    def _recover(self) -> dict[str, dict[str, Any]]:
        """Lines of finished pictures, whoever wrote them; one's own half-written last line is cut off."""
        lines: list[dict[str, Any]] = []
        for file in sorted(self.folder.glob("words*.jsonl")):
            text = file.read_text(encoding="utf-8")
            whole = text[: text.rfind("\n") + 1]
            if whole != text and file == self._journal:
                file.write_text(whole, encoding="utf-8")
            lines += map(json.loads, whole.splitlines())
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


def _decoded(
    pictures: Sequence[UnlabelledPicture],
) -> Generator[tuple[UnlabelledPicture, Pixels], None, None]:
    for picture in pictures:
        yield picture, read_image(picture.path)
