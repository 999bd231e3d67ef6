"""What is behind the objects of VOC's pictures, as a model trained without it sees it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from openvss.engines.inputs import input_size, shrink, to_input
from openvss.models.tiny.model import SCALE, Tiny
from openvss.training.runs.log import Watcher
from projects.tiny.data import NONE_OF_VOC, Ids, Outline, Picture, read_outlines, read_scenes
from projects.tiny.material import TrainingMaterial

SURE = 0.5  # of a word among all that are none of VOC's
SURE_AMONG_LISTED = 0.45  # where the words were looked up


def label_backgrounds(
    model: Tiny, material: TrainingMaterial, file: Path, watcher: Watcher
) -> dict[str, Ids]:
    """Ids for every pixel of every picture of VOC, by stem; kept in a file.

    Args:
        model: In eval mode.
        material: Pictures and words.
        file: Read if it is there.
        watcher: Told how many pictures are done.
    """
    if not file.exists():
        pictures, scenes = material.pictures["voc"], read_scenes(material.words)
        outlines = read_outlines(material.words)
        labelled = {}
        for i, picture in enumerate(pictures):
            stem = picture.image.stem
            listed = scenes.get(stem)
            sure = SURE if listed is None else SURE_AMONG_LISTED
            ids = label_one(model, picture, material.table.means, material.loss.other, listed, sure)
            labelled[stem] = outline(ids, outlines.get(stem, ()))
            watcher.frame("backgrounds", i + 1, len(pictures))
        draft = file.with_suffix(".tmp.npz")
        np.savez_compressed(draft, allow_pickle=False, **labelled)
        draft.replace(file)
    with np.load(file) as stored:
        return dict(stored)


def outline(ids: Ids, grounds: Iterable[Outline]) -> Ids:
    """The same with some grounds as somebody outlined them."""
    image = Image.fromarray(ids)
    for kind, corners in grounds:
        pixels = [(x * image.width / 100, y * image.height / 100) for x, y in corners]
        ImageDraw.Draw(image).polygon(pixels, fill=kind)
    return np.asarray(image)


@torch.inference_mode()
def label_one(
    model: Tiny, picture: Picture, words: Tensor, other: Tensor, listed: list[int] | None, sure: float
) -> Ids:
    """The best ids among words that are none of VOC's 20, `NONE_OF_VOC` where the model is not sure enough.

    Args:
        model: In eval mode.
        picture: Of VOC.
        words: (N, D) unit vectors.
        other: (N,) true for words that are none of VOC's 20.
        listed: The words to choose among, if somebody has looked at the picture.
        sure: The least confidence.
    """
    pixels = np.asarray(picture.pixels())
    height, width = pixels.shape[:2]
    image = to_input(shrink(pixels, input_size(height, width, model.size)), torch.device("cpu"))
    allowed = other
    if listed is not None:
        allowed = torch.zeros_like(other)
        allowed[listed] = True
    logits = SCALE * torch.einsum("bdhw,nd->bnhw", model.pair.dense(image), words[allowed])
    half = (-(-height // 2), -(-width // 2))  # finer than what is trained, and a quarter of the work
    confidence, best = F.interpolate(logits, half, mode="bilinear").softmax(1)[0].max(0)
    ids = allowed.nonzero()[:, 0][best]
    ids[confidence < sure] = NONE_OF_VOC
    whole = F.interpolate(ids[None, None].float(), (height, width), mode="nearest")[0, 0]
    return whole.numpy().astype(np.uint8)
