"""Train the toy image-text pair: `python -m projects.toy.pair --out FILE` (two minutes of one core).

It sees close-ups of rendered scenes of seen compositions and, for each, the list of phrases that name what is
in it: no boxes, no masks, and nothing of unseen compositions. A picture and a phrase are alike as far as the
positions that look most like the phrase are; each picture has to prefer its own phrases to those of all other
pictures in the batch, and each phrase its own pictures.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Sequence
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
from openvss.video.pixels import Pixels
from projects.toy.data import SEEN, SIZE, cast_of
from projects.toy.encoders import ToyPair

TEMPLATES = ("{}", "a {}", "a picture of a {}")


@dataclass(frozen=True)
class PairSettings:
    """What the pair is trained with.

    Attributes:
        steps: Of the optimiser.
        scenes: How many different ones there are.
        batch: Pictures in a step.
        size: Width and height of a scene.
        window: Side of a close-up.
        visible: The smallest share of a close-up that is worth a phrase.
        rate: Peak learning rate.
        focus: Temperature at which the positions of a picture compete for a phrase.
        noise: Largest noise; half of the pictures have none.
        blur: Largest blur, likewise.
    """

    steps: int = 1000
    scenes: int = 1500
    batch: int = 48
    size: tuple[int, int] = SIZE
    window: int = 24
    visible: float = 0.04
    rate: float = 2e-3
    focus: float = 0.2
    noise: float = 0.15
    blur: float = 0.06


class Pictures:
    """Close-ups and their captions."""

    def __init__(self, settings: PairSettings, seed: int) -> None:
        self._settings = settings
        self._rng = random.Random(f"toy pictures {seed}")
        cast = cast_of(SEEN, SEEN, f"pair {seed}")
        self._scenes: list[tuple[Pixels, Pixels, list[str]]] = []
        for _ in range(settings.scenes):
            sky, ground = self._rng.choice(cast.skies), self._rng.choice(cast.grounds)
            looks = [sky.look, ground.look, *(part.look for part in self._rng.sample(cast.objects, 3))]
            scene = Scene.draw(looks[0], looks[1], looks[2:], self._rng)
            pixels, things = scene.render(self._rng.randrange(30), settings.size)
            self._scenes.append((pixels, things, [look.word for look in looks]))

    def draw(self) -> tuple[Tensor, list[set[str]]]:
        """(B, 3, window, window) in 0..1, and the phrases of each."""
        views = [self._view() for _ in range(self._settings.batch)]
        pixels = torch.from_numpy(np.stack([view for view, _ in views])).permute(0, 3, 1, 2)
        return pixels.float() / 255, [phrases for _, phrases in views]

    def phrase(self, name: str) -> str:
        """In one of the ways in which captions put it."""
        return self._rng.choice(TEMPLATES).format(name)

    def _view(self) -> tuple[Pixels, set[str]]:
        settings, rng = self._settings, self._rng
        pixels, things, names = rng.choice(self._scenes)
        side = settings.window
        top, left = rng.randint(0, things.shape[0] - side), rng.randint(0, things.shape[1] - side)
        view = pixels[top : top + side, left : left + side]
        shares = np.bincount(things[top : top + side, left : left + side].ravel()) / side**2
        view = np.ascontiguousarray(view[:, ::-1] if rng.random() < 0.5 else view)
        if rng.random() < 0.5:
            view = Disturbance(settings.noise * rng.random(), settings.blur).apply(view, rng)
        return view, {names[i] for i, share in enumerate(shares) if share >= settings.visible}


def contrast(
    pair: ToyPair,
    scale: Tensor,
    pictures: Tensor,
    captions: Sequence[set[str]],
    source: Pictures,
    focus: float,
) -> Tensor:
    """Cross-entropy of each phrase of a picture against phrases that are not its own, and vice versa."""
    names = sorted(set().union(*captions))
    texts = pair.tower([source.phrase(name) for name in names])
    dense = F.normalize(pair.dense(pictures), dim=1).flatten(2)
    cosine = torch.einsum("bdx,nd->bnx", dense, texts)
    alike = ((cosine / focus).softmax(-1) * cosine).sum(-1) * scale.exp()  # (B, N)
    own = torch.tensor([[name in caption for name in names] for caption in captions])
    others = alike.masked_fill(own, -torch.inf)
    terms = [torch.logaddexp(alike, others.logsumexp(d, keepdim=True))[own] - alike[own] for d in (0, 1)]
    return (terms[0].mean() + terms[1].mean()) / 2


def train_pair(seed: int, settings: PairSettings) -> ToyPair:
    """The pair of a seed, frozen."""
    torch.manual_seed(seed)
    source = Pictures(settings, seed)
    pair = ToyPair().requires_grad_(True)
    scale = nn.Parameter(torch.tensor(math.log(10.0)))
    weights = [*pair.parameters(), scale]
    matrices, rest = [p for p in weights if p.ndim > 1], [p for p in weights if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.02}, {"params": rest, "weight_decay": 0.0}], lr=settings.rate
    )
    start = time.monotonic()
    for step in range(settings.steps):
        warm, cooled = min(1.0, (step + 1) / 50), 0.5 * (1 + math.cos(math.pi * step / settings.steps))
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * warm * cooled
        loss = contrast(pair, scale, *source.draw(), source, settings.focus)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        if step % 100 == 0:
            print(f"step {step} loss {loss:.3f} after {time.monotonic() - start:.0f} s", flush=True)
    return pair.requires_grad_(False).eval()


def save_pair(pair: ToyPair, file: Path) -> None:
    """Write the weights; the file is there whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".tmp")
    save_file({name: value.contiguous() for name, value in pair.state_dict().items()}, draft)
    draft.replace(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=PairSettings.steps)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the same weights on any machine of this kind, however busy it is
    print(describe())
    save_pair(train_pair(arguments.seed, PairSettings(steps=arguments.steps)), arguments.out)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
