"""Train the toy SAM: `python -m projects.toy.sam --out FILE` (four minutes of one core).

It stands where SAM stands in the real system: it learns to draw the outline of one thing in a rendered scene
of seen compositions from a box round it and, mostly, a poor mask of it. It is told no words.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmarks.machine import describe
from openvss.data.synthetic.disturbance import Disturbance
from openvss.data.synthetic.scenes import Scene
from openvss.models.encoders.pixels import normalise
from openvss.models.encoders.sam import Sam
from projects.toy.data import SEEN, cast_of


@dataclass(frozen=True)
class SamSettings:
    """What the toy SAM is trained with.

    Attributes:
        size: Width and height of the pictures.
        steps: Of the optimiser.
        scenes: How many different ones there are.
        batch: Things in a step, each of a scene of its own.
        rate: Peak learning rate.
        with_mask: Share of the prompts that have a poor mask besides the box.
        noise: Largest noise of the pictures.
    """

    size: tuple[int, int] = (64, 64)
    steps: int = 1200
    scenes: int = 1500
    batch: int = 16
    rate: float = 1e-3
    with_mask: float = 0.7
    noise: float = 0.08


@dataclass(frozen=True)
class Prompted:
    """A batch of pictures (B, 3, H, W), boxes (B, 4) as fractions, poor masks and true ones (B, h, w)."""

    pictures: Tensor
    boxes: Tensor
    poor: Tensor
    true: Tensor


class Things:
    """Scenes, one thing of each, and prompts as a segmenter that is roughly right would give them."""

    def __init__(self, settings: SamSettings, seed: int, side: int) -> None:
        self._settings, self._side = settings, side
        self._rng = random.Random(f"toy sam {seed}")
        self._chance = torch.Generator().manual_seed(seed)
        cast = cast_of(SEEN, SEEN, f"sam {seed}")
        self._scenes = []
        for _ in range(settings.scenes):
            looks = [part.look for part in self._rng.sample(cast.objects, 3)]
            sky, ground = self._rng.choice(cast.skies).look, self._rng.choice(cast.grounds).look
            scene = Scene.draw(sky, ground, looks, self._rng)
            self._scenes.append(scene.render(self._rng.randrange(30), settings.size))

    def draw(self, batch: int) -> Prompted:
        """Things of `batch` random scenes."""
        pictures, boxes, poor, true = zip(*(self._one() for _ in range(batch)), strict=True)
        return Prompted(*map(torch.stack, (pictures, boxes, poor, true)))

    def _one(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        rng = self._rng
        pixels, things = rng.choice(self._scenes)
        if rng.random() < 0.5:
            pixels, things = np.ascontiguousarray(pixels[:, ::-1]), np.ascontiguousarray(things[:, ::-1])
        counts = np.bincount(things.ravel())
        thing = rng.choice([i for i, count in enumerate(counts) if count >= 0.01 * things.size])
        disturbed = Disturbance(self._settings.noise * rng.random()).apply(pixels, rng)
        mask = torch.from_numpy(things == thing).float()
        small = F.interpolate(mask[None, None], (self._side, self._side), mode="area")[0, 0]
        return (
            torch.from_numpy(disturbed).permute(2, 0, 1) / 255,
            self._box(mask > 0),
            self._spoil(small),
            small,
        )

    def _box(self, mask: Tensor) -> Tensor:
        """The box round a mask, each edge moved by up to a tenth of its size."""
        rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
        height, width = mask.shape
        edges = torch.stack(
            [columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height]
        )
        jitter = (torch.rand(4, generator=self._chance) - 0.5) * 0.2
        return (edges + jitter * (edges[2:] - edges[:2]).repeat(2)).clamp(0, 1)

    def _spoil(self, mask: Tensor) -> Tensor:
        """A blurred and bent mask as logits on SAM's scale; zeros if the box has to do."""
        if self._rng.random() > self._settings.with_mask:
            return torch.zeros_like(mask)
        coarse = self._rng.choice((6, 8, 12))
        rough = F.adaptive_avg_pool2d(mask[None, None], coarse)
        noisy = rough + 0.25 * torch.randn(rough.shape, generator=self._chance)
        wide = F.interpolate(noisy, mask.shape, mode="bilinear")[0, 0]
        return ((wide - self._rng.uniform(0.35, 0.65)) * self._rng.uniform(8, 30)).clamp(-12, 12)


def loss_of(sam: Sam, batch: Prompted) -> tuple[Tensor, Tensor]:
    """Cross-entropy plus Dice of the drawn masks, and their IoU with the true ones."""
    square = F.interpolate(batch.pictures, (sam.side, sam.side), mode="bilinear")
    out = sam.sam(
        pixel_values=normalise(square),
        input_boxes=batch.boxes[:, None] * sam.side,
        input_masks=batch.poor[:, None],
        multimask_output=False,
    )
    drawn, true = out.pred_masks[:, 0, 0], batch.true
    p = drawn.sigmoid()
    dice = 1 - (2 * (p * true).sum((1, 2)) + 1) / (p.sum((1, 2)) + true.sum((1, 2)) + 1)
    inside, wanted = drawn > 0, true > 0.5
    iou = (inside & wanted).sum((1, 2)) / (inside | wanted).sum((1, 2)).clamp(min=1)
    return F.binary_cross_entropy_with_logits(drawn, true) + dice.mean(), iou.mean()


def train_sam(seed: int, settings: SamSettings) -> Sam:
    """The toy SAM of a seed, frozen."""
    torch.manual_seed(seed)
    sam = Sam("toy").requires_grad_(True)
    # transformers draws frequencies at which neighbours have nothing in common; SAM was trained with these.
    nn.init.normal_(sam.sam.shared_image_embedding.positional_embedding)
    things = Things(settings, seed, sam.mask_side)
    optimiser = torch.optim.AdamW(sam.parameters(), lr=settings.rate, weight_decay=0.01)
    start = time.monotonic()
    for step in range(settings.steps):
        warm, cooled = min(1.0, (step + 1) / 50), 0.5 * (1 + math.cos(math.pi * step / settings.steps))
        optimiser.param_groups[0]["lr"] = settings.rate * warm * cooled
        loss, iou = loss_of(sam, things.draw(settings.batch))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(sam.parameters(), 1.0)
        optimiser.step()
        if step % 100 == 0 or step == settings.steps - 1:
            seconds = time.monotonic() - start
            print(f"step {step} loss {loss:.3f} IoU {iou:.3f} after {seconds:.0f} s", flush=True)
    return sam.requires_grad_(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=SamSettings.steps)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the same weights on any machine of this kind, however busy it is
    print(describe())
    sam = train_sam(arguments.seed, SamSettings(steps=arguments.steps))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.clone() for name, value in sam.state_dict().items()}, arguments.out)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
