"""Targets that the model makes for itself as it learns: pseudo-labels, or contexts of whole videos.

Every so many steps the run pauses and a *maker* writes files for each data set that wants them, with the
weights of that moment; the data sets then read those files. A maker is a function of an `Order`. Labels go
to `label_file`, as PNGs of ids with the last value (255 or 65535) where there is no label; contexts to
`context_file`, as safetensors of what `VideoModel.summarise` gives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from openvss.data.base import Clip, Dataset
from openvss.errors import InputError
from openvss.images import input_size, shrink, to_input
from openvss.models.base import VideoModel
from openvss.video.images import read_image
from openvss.words.vocabulary import Vocabulary

DONE = "done.json"


@dataclass(frozen=True, eq=False)
class Order:
    """What a maker is to make.

    Attributes:
        model: In eval mode, averaged weights if there are any; nothing else changes it meanwhile.
        dataset: Its clips, of which any may be without labels.
        vocabulary: The words of the set; labels are positions in it.
        folder: For this set and this round; an interrupted maker is called again with the same weights and
            finds what it left.
        options: `targets.options` of the recipe.
        update: Told how many clips are done.
    """

    model: VideoModel
    dataset: Dataset
    vocabulary: Vocabulary
    folder: Path
    options: Mapping[str, Any]
    update: Callable[[int], None]


Maker = Callable[[Order], None]


def label_file(folder: Path, clip: Clip, frame: int) -> Path:
    """Where the made label of a frame lies."""
    return folder / "labels" / f"{frame_name(clip, frame)}.png"


def frame_name(clip: Clip, frame: int) -> str:
    """What a frame of a data set is called; those of a video after it."""
    return clip.name if len(clip.frames) == 1 else f"{clip.name}/{clip.frames[frame].stem}"


def context_file(folder: Path, clip: Clip) -> Path:
    """Where the made context of a clip lies."""
    return folder / "contexts" / f"{clip.name}.safetensors"


def find_maker(name: str) -> Maker:
    """The maker of a name in `MAKERS`."""
    if name not in MAKERS:
        raise InputError(f"There is no maker of targets {name!r}: choose one of {', '.join(MAKERS)}.")
    return MAKERS[name]()


def round_folder(run: Path, number: int, source: int) -> Path:
    """Where the targets of a data set lie in a round."""
    return run / "targets" / f"{number:03d}" / str(source)


def make(maker: Maker, order: Order) -> None:
    """Fill a folder, unless that is done."""
    if (order.folder / DONE).exists():
        return
    order.folder.mkdir(parents=True, exist_ok=True)
    maker(order)
    words = json.dumps({"words": list(order.vocabulary.names)})
    (order.folder / DONE).write_text(f"{words}\n", encoding="utf-8")


def contexts(order: Order) -> None:
    """Maker: summarise each video as its last frame sees it, once for all its samples (CFFM++'s prototypes).

    The option `size` is the short side of the frames, the model's own by default.
    """
    model, clips = order.model, order.dataset.clips
    size = int(order.options.get("size", model.size))
    for done, clip in enumerate(clips):
        order.update(done)
        file = context_file(order.folder, clip)
        if file.exists():
            continue
        wanted = model.context_frames(len(clip.frames) - 1, len(clip.frames))
        if not wanted:
            raise InputError("The model uses no context, so there is none to make: leave targets out.")
        with torch.no_grad():
            found = [model.encode_reference(_frame(clip.frames[t], size, model.device)) for t in wanted]
            stacked = {name: torch.cat([one[name] for one in found]) for name in found[0]}
            context = model.summarise(stacked)
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".tmp")
        save_file({name: value.cpu().contiguous() for name, value in context.items()}, draft)
        draft.replace(file)
    order.update(len(clips))


def _frame(path: Path, size: int, device: torch.device) -> torch.Tensor:
    pixels = read_image(path)
    return to_input(shrink(pixels, input_size(pixels.shape[0], pixels.shape[1], size)), device)


def _pseudo_labels() -> Maker:
    from openvss.training.selftrain.maker import pseudo_labels

    return pseudo_labels


MAKERS: dict[str, Callable[[], Maker]] = {
    "contexts": lambda: contexts,
    "pseudo-labels": _pseudo_labels,
}
