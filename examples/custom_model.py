"""A model of your own: define it, give it a name, train it for 60 steps, and stream frames through it.

An installed package says so by an entry point instead, and every command finds it:

    [project.entry-points."openvss.models"]
    colours = "my_package.presets:COLOURS"
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

import openvss
from openvss.models.base import FrameFeatures, Fused, Output, VideoModel
from openvss.models.preset import Preset
from openvss.models.registry import PRESETS, build_model
from openvss.models.words import WordEmbeddings
from openvss.video.pixels import Pixels

WORDS, COLOURS = ("red", "green", "blue"), ((200, 40, 40), (40, 200, 40), (40, 40, 200))


@dataclass(frozen=True)
class ColoursOptions:
    """What recipes and `--option` can choose: plain values with type hints and defaults."""

    width: int = 16


class OneHot:
    """A text encoder: each word that it knows has an axis of its own."""

    dim, fingerprint = len(WORDS), "colours-1"  # the latter changes whenever the vectors would

    def encode(self, phrases: Sequence[str]) -> Tensor:
        return torch.stack([torch.eye(self.dim)[WORDS.index(phrase)] for phrase in phrases])


class Colours(VideoModel):
    """Looks at each frame alone, so it has no references to fuse."""

    def __init__(self, options: ColoursOptions) -> None:
        super().__init__()
        self.text = OneHot()
        wide = nn.Conv2d(3, options.width, 3, padding=1)
        self.net = nn.Sequential(nn.AvgPool2d(4), wide, nn.ReLU(), nn.Conv2d(options.width, OneHot.dim, 1))

    def encode(self, frames: Tensor) -> FrameFeatures:  # (B, 3, H, W) in 0..1; never sees the words
        return {"map": self.net(frames)}

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:  # words.embeddings are (N, 1, D)
        return Output(torch.einsum("bdhw,nd->bnhw", fused["map"], words.embeddings.mean(1)))


PRESETS.add("colours", Preset("3x3 convolutions", "one axis a word", ColoursOptions(), builder=Colours))


def stripes(rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """A frame of three stripes in random order, (H, W, 3), and its labels (H, W)."""
    labels = rng.permutation(len(COLOURS)).astype(np.uint8).repeat(16)[None].repeat(48, 0)
    return np.array(COLOURS, np.uint8)[labels], labels


torch.manual_seed(0)
rng = np.random.default_rng(0)
model = build_model("colours", {"width": 8})
words = model.embed(openvss.Vocabulary.parse("red, green, blue"))
optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(60):
    pixels, labels = stripes(rng)
    clip = torch.from_numpy(pixels).permute(2, 0, 1)[None, None] / 255  # one clip of one frame
    loss = model.loss(model(clip, words), torch.from_numpy(labels)[None].long())["loss"]
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()

segmenter = openvss.Segmenter(model.eval(), "red, green, blue", device="cpu")
for _ in range(3):
    pixels, labels = stripes(rng)
    result = segmenter.step(pixels)
    print(f"frame {result.index}: {(result.labels == labels).mean():.0%} of the pixels are right")
