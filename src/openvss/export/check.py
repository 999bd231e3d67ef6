"""What a folder of graphs gives, compared with PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from openvss.engines.onnx import OnnxEngine
from openvss.engines.pytorch import TorchEngine
from openvss.errors import OpenVSSError
from openvss.models.base import VideoModel
from openvss.segmenting.segmenter import Segmenter
from openvss.words.vocabulary import Vocabulary

Pixels = npt.NDArray[np.uint8]

SIZES = ((32, 64), (224, 128), (288, 320))  # height and width; of the first the deepest map has one row
FRAMES = 4  # of each size: the first of a video, and what follows
WORDS = "person, road, building, sky, tree, grass, dog, wall, floor, car"
TOLERANCE = 1e-3  # of the range of logits
AGREEING = 0.999  # of all pixels


class Agreement(NamedTuple):
    """Of both engines.

    Attributes:
        difference: Largest of logits, as a share of their range.
        agreement: Share of pixels with equal labels.
    """

    difference: float
    agreement: float


def check(model: VideoModel, folder: Path, pictures: Sequence[Pixels]) -> Agreement:
    """Label a few frames of three sizes with both.

    Raises:
        OpenVSSError: The engines differ, or a graph does not run.
    """
    words = OnnxEngine(folder, "cpu").model.fixed_words or Vocabulary.parse(WORDS)
    off, same = 0.0, []
    for size in SIZES:
        ours = Segmenter(TorchEngine(model, "cpu", "fp32"), words, size=min(size))
        exported = Segmenter(OnnxEngine(folder, "cpu"), words, size=min(size))
        for pixels in _video(pictures, size):
            expected = ours.step(pixels)
            try:
                found = exported.step(pixels)
                logits = exported.score(exported.model.embed(words))
            except Exception as error:
                raise OpenVSSError(
                    f"The graphs in {folder} do not run on frames of {size[1]}x{size[0]}: {error}"
                ) from error
            wanted = ours.score(ours.model.embed(words))
            off = max(off, float(np.abs(logits - wanted).max() / np.ptp(wanted)))
            same.append(float((found.labels == expected.labels).mean()))
    if not (off <= TOLERANCE and np.mean(same) >= AGREEING):
        raise OpenVSSError(
            f"The graphs in {folder} differ from PyTorch: logits by {off:.1e} of their range, and "
            f"{1 - np.mean(same):.2%} of the labels; do not use them."
        )
    return Agreement(off, float(np.mean(same)))


def _video(pictures: Sequence[Pixels], size: tuple[int, int]) -> list[Pixels]:
    """Frames of one size, of the given pictures or of discs that move over a texture."""
    from PIL import Image

    if pictures:
        chosen = [pictures[i % len(pictures)] for i in range(FRAMES)]
        return [np.asarray(Image.fromarray(one).resize(size[::-1])) for one in chosen]
    y, x = np.mgrid[: size[0], : size[1]]
    texture = np.random.default_rng(0).integers(0, 60, (size[0], size[1], 3))
    frames = []
    for i in range(FRAMES):
        frame = np.stack([y * 150 / size[0], x * 150 / size[1], (x + y) % 120], -1).astype(int) + texture
        frame[(x - size[1] / 2 - 4 * i) ** 2 + (y - size[0] / 2) ** 2 < (min(size) / 4) ** 2] = (220, 60, 40)
        frames.append(frame.astype(np.uint8))
    return frames
