"""Targets that the model makes for itself as it learns: pseudo-labels, or contexts of whole videos.

Every so many steps the run pauses and a *maker* writes files for each data set that wants them, with the
weights of that moment; the data sets then read those files. A maker is a function of a `TargetOrder`. Labels
go to `label_file`, as PNGs of ids with the last value (255 or 65535) where there is no label; contexts to
`context_file`, as safetensors of what `VideoModel.summarise` gives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from openvss.data.base import Clip, Dataset
from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.words.vocabulary import Vocabulary

DONE = "done.json"
MakerOptions = TypeVar("MakerOptions", bound=BaseModel)


@dataclass(frozen=True, eq=False)
class TargetOrder:
    """What a maker is to make.

    Attributes:
        model: In eval mode, averaged weights if there are any; nothing else changes it meanwhile.
        dataset: Its clips, of which any may be without labels.
        vocabulary: The words of the set; labels are positions in it.
        folder: For this set and this round; an interrupted maker is called again with the same weights and
            finds what it left.
        options: `targets.options` of the recipe.
        update: Told how many clips are done.
        share: This process's number, and how many of them make the targets of this set together.
    """

    model: VideoModel
    dataset: Dataset
    vocabulary: Vocabulary
    folder: Path
    options: Mapping[str, Any]
    update: Callable[[int], None]
    share: tuple[int, int] = (0, 1)


Maker = Callable[[TargetOrder], None]


def label_file(folder: Path, clip: Clip, frame: int) -> Path:
    """Where the made label of a frame lies."""
    return folder / "labels" / f"{frame_name(clip, frame)}.png"


def frame_name(clip: Clip, frame: int) -> str:
    """What a frame of a data set is called; those of a video after it."""
    return clip.name if len(clip.frames) == 1 else f"{clip.name}/{clip.frames[frame].stem}"


def context_file(folder: Path, clip: Clip) -> Path:
    """Where the made context of a clip lies."""
    return folder / "contexts" / f"{clip.name}.safetensors"


def read_options(kind: type[MakerOptions], options: Mapping[str, Any]) -> MakerOptions:
    """`targets.options` of a recipe, checked."""
    try:
        return kind.model_validate(dict(options), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"targets.options.{key} of the recipe is wrong: {first['msg'].lower()}.") from None


def find_maker(name: str) -> Maker:
    """The maker of a name in `MAKERS`."""
    if name not in MAKERS:
        raise InputError(f"There is no maker of targets {name!r}: choose one of {', '.join(MAKERS)}.")
    return MAKERS[name]()


def round_folder(run: Path, number: int, source: int) -> Path:
    """Where the targets of a data set lie in a round."""
    return run / "targets" / f"{number:03d}" / str(source)


def fill(maker: Maker, order: TargetOrder) -> None:
    """Have this process's share made, unless all is done."""
    if (order.folder / DONE).exists():
        return
    order.folder.mkdir(parents=True, exist_ok=True)
    maker(order)


def finish(order: TargetOrder) -> None:
    """Note that everyone has filled the folder."""
    words = json.dumps({"words": list(order.vocabulary.names)})
    (order.folder / DONE).write_text(f"{words}\n", encoding="utf-8")


def _contexts() -> Maker:
    from openvss.training.targets.contexts import contexts

    return contexts


def _pseudo_labels() -> Maker:
    from openvss.training.targets.pseudo_labels import pseudo_labels

    return pseudo_labels


MAKERS: dict[str, Callable[[], Maker]] = {
    "contexts": _contexts,
    "pseudo-labels": _pseudo_labels,
}
SHARED = {"contexts"}  # made by all processes, each its share; the others by the main process alone
