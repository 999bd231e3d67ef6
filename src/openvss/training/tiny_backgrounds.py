"""What is behind the objects of VOC's pictures, as a model trained without it sees it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.images import input_size, shrink, to_input
from openvss.models.tiny import TEMPERATURE, Tiny
from openvss.training.tiny_data import NONE_OF_VOC, Ids, Picture

SURE = 0.5  # of a word among all that are none of VOC's
SURE_AMONG_LISTED = 0.45  # where the words were looked up


@torch.inference_mode()
def label_backgrounds(
    model: Tiny,
    pictures: Sequence[Picture],
    words: Tensor,
    other: Tensor,
    scenes: dict[str, list[int]],
) -> dict[str, Ids]:
    """Ids for every pixel of every picture, `NONE_OF_VOC` where the model is not sure.

    Args:
        model: In eval mode.
        pictures: Of VOC.
        words: (N, D) unit vectors.
        other: (N,) true for words that are none of VOC's 20.
        scenes: The words to choose among, for the pictures that were looked at.
    """
    labelled: dict[str, Ids] = {}
    for i, picture in enumerate(pictures):
        stem = picture.image.stem
        pixels = np.asarray(picture.pixels())
        height, width = pixels.shape[:2]
        image = to_input(shrink(pixels, input_size(height, width, model.size)), torch.device("cpu"))
        allowed = other
        if stem in scenes:
            allowed = torch.zeros_like(other)
            allowed[scenes[stem]] = True
        dense = model.encode(image)["dense"]
        logits = torch.einsum("bdhw,nd->bnhw", dense, words[allowed]) / TEMPERATURE
        sure, best = F.interpolate(logits, (height, width), mode="bilinear").softmax(1)[0].max(0)
        ids = allowed.nonzero()[:, 0][best]
        ids[sure < (SURE_AMONG_LISTED if stem in scenes else SURE)] = NONE_OF_VOC
        labelled[stem] = ids.numpy().astype(np.uint8)
        if i % 200 == 0:
            print(f"background {i} of {len(pictures)}", flush=True)
    return labelled
