"""Training teaches a small model to look at other frames: with copies of the target instead it loses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.ov2vss.model import OV2VSS
from openvss.words.vocabulary import Vocabulary
from tests.models.ov2vss.stand_ins import small

COLOURS = {
    "red": (1.0, 0.1, 0.1),
    "green": (0.1, 1.0, 0.1),
    "blue": (0.1, 0.1, 1.0),
    "yellow": (1.0, 1.0, 0.1),
}
SIZE, CELL = (32, 48), 8


def scenes(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Clips (n, 4, 3, H, W) in two colours, one for bright squares and one for dark ones; labels (n, H, W).

    The target has lost its colours. It shows which squares are bright; only other frames show their colour.
    """
    generator = torch.Generator().manual_seed(seed)
    bright = torch.rand(n, 4, SIZE[0] // CELL, SIZE[1] // CELL, generator=generator) < 0.5
    chosen = torch.stack([torch.randperm(len(COLOURS), generator=generator)[:2] for _ in range(n)])  # (n, 2)
    labels = torch.where(bright, chosen[:, 0, None, None, None], chosen[:, 1, None, None, None])
    light = torch.where(bright, 1.0, 0.4)[..., None]
    frames = torch.tensor(list(COLOURS.values()))[labels] * light  # (n, 4, h, w, 3)
    frames[:, -1] = light[:, -1] * 0.6
    frames += torch.randn(frames.shape, generator=generator) * 0.03
    large = [x.repeat_interleave(CELL, 2).repeat_interleave(CELL, 3) for x in (frames, labels)]
    return large[0].permute(0, 1, 4, 2, 3).clamp(0, 1), large[1][:, -1]


def trained(steps: int, **options: Any) -> OV2VSS:
    torch.manual_seed(0)
    model = small(channels=32, heads=4, pool=8, regions=4, rfe=False, **options).train()
    words = model.embed(Vocabulary.parse(", ".join(COLOURS)))
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-3)
    for step in range(steps):
        clip, labels = scenes(8, step)
        loss = torch.stack(list(model.loss(model(clip, words), labels).values())).sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return model.eval()


def right(model: OV2VSS, clip: Tensor, labels: Tensor) -> float:
    """Share of the pixels."""
    with torch.no_grad():
        logits = model(clip, model.embed(Vocabulary.parse(", ".join(COLOURS)))).logits
    full = F.interpolate(logits, SIZE, mode="bilinear")
    return float((full.argmax(1) == labels).float().mean())


@pytest.mark.parametrize(
    ("steps", "options"), [(180, {"vte": False}), (150, {})], ids=["fused features alone", "full model"]
)
def test_copies_of_the_target_lose(steps: int, options: dict[str, Any]) -> None:
    """Alone, a target without colours is guessed: one of four."""
    model = trained(steps, **options)
    clip, labels = scenes(64, 1000)
    alone, together = right(model, clip[:, -1:].expand_as(clip), labels), right(model, clip, labels)
    assert alone < 0.35
    assert together > alone + 0.12
