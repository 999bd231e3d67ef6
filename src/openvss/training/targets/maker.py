"""What a maker of targets is: it writes the labels or contexts that a run makes for itself.

Every so many steps the run pauses, and its maker writes files for each data set that needs them, with the
weights of that moment; the data sets then read those files. Labels go to `label_file`, as PNGs of ids with
the last value (255 or 65535) where there is no label; contexts go to `context_file`, as safetensors of what
`VideoModel.summarise` gives (both in `openvss.training.data.training_set`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from openvss.data.base import Dataset
from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.words.vocabulary import Vocabulary

MakerOptions = TypeVar("MakerOptions", bound=BaseModel)


@dataclass(frozen=True, eq=False)
class TargetRequest:
    """What a maker is asked for.

    Attributes:
        model: In eval mode, with averaged weights if there are any; nothing else changes it meanwhile.
        dataset: Its clips, any of which may be without labels.
        vocabulary: The words of the set; labels are positions in it.
        folder: For this set and this round; an interrupted maker is called again with the same weights and
            finds what it left.
        options: `targets.options` of the recipe.
        update: Takes the number of clips that are done.
        share: This process's number, and how many processes make the targets of this set together.
    """

    model: VideoModel
    dataset: Dataset
    vocabulary: Vocabulary
    folder: Path
    options: Mapping[str, Any]
    update: Callable[[int], None]
    share: tuple[int, int] = (0, 1)


@dataclass(frozen=True)
class Maker:
    """An entry of `openvss.training.targets.rounds.MAKERS`.

    Attributes:
        make: Writes the files that a request asks for.
        shared: Whether all processes make them, each its share; otherwise the main process makes them alone.
        join: What the main process does once all have made theirs, with its own request.
    """

    make: Callable[[TargetRequest], None]
    shared: bool = False
    join: Callable[[TargetRequest], None] | None = None


def read_options(kind: type[MakerOptions], options: Mapping[str, Any]) -> MakerOptions:
    """`targets.options` of a recipe, checked."""
    try:
        return kind.model_validate(dict(options), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"targets.options.{key} of the recipe is wrong: {first['msg'].lower()}.") from None
