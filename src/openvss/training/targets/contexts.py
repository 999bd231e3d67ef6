"""Contexts of whole videos as targets of a run: what `targets: {maker: contexts}` in a recipe does."""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field
from safetensors.torch import save_file
from torch import Tensor

from openvss.data.base import Clip
from openvss.engines.inputs import input_size, shrink, to_input
from openvss.errors import InputError
from openvss.models.base import VideoContext, VideoModel
from openvss.storage.atomic import replacing
from openvss.training.data.training_set import context_file
from openvss.training.targets.maker import TargetRequest, read_options
from openvss.video.images import read_image


class ContextOptions(BaseModel):
    """`targets.options` of a recipe.

    Attributes:
        size: Short side at which the model sees the frames; its own default if None.
        batch: Frames of a video that it encodes at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int | None = Field(default=None, ge=32)
    batch: int = Field(default=10, ge=1)


def contexts(request: TargetRequest) -> None:
    """Summarise each video as its last frame sees it, once for all its samples (CFFM++'s prototypes).

    Each of n processes takes every n-th video; files that exist are kept.
    """
    settings, clips = read_options(ContextOptions, request.options), request.dataset.clips
    process, processes = request.share
    for done, clip in enumerate(clips[process::processes]):
        request.update(done * processes)
        file = context_file(request.folder, clip)
        if not file.exists():
            _write(file, _context(request.model, clip, settings))
    request.update(len(clips))


def _context(model: VideoModel, clip: Clip, settings: ContextOptions) -> VideoContext:
    wanted = model.context_frames(len(clip.frames) - 1, len(clip.frames))
    if not wanted:
        raise InputError("The model uses no context, so none can be made: remove targets from the recipe.")
    size, found = settings.size or model.size, []
    with torch.no_grad():
        for first in range(0, len(wanted), settings.batch):
            frames = [_frame(clip.frames[t], size) for t in wanted[first : first + settings.batch]]
            found.append(model.encode_context(torch.cat(frames).to(model.device)))
        return model.summarise({name: torch.cat([one[name] for one in found]) for name in found[0]})


def _frame(path: Path, size: int) -> Tensor:
    pixels = read_image(path)
    return to_input(shrink(pixels, input_size(pixels.shape[0], pixels.shape[1], size)), torch.device("cpu"))


def _write(file: Path, context: VideoContext) -> None:
    """Write all of the file or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as draft:
        save_file({name: value.cpu().contiguous() for name, value in context.items()}, draft)
