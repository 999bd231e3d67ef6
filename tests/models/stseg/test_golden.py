"""The whole decoder at fixed weights and inputs, and how it starts: numbers that must not drift."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.layers.cosine import cost_volume
from openvss.models.stseg.decoder import SEDDecoder
from openvss.models.stseg.early import REJECTED
from openvss.models.stseg.stage import DecoderPart, Surroundings


def wave(*shape: int, start: float) -> Tensor:
    """Numbers between -1 and 1 that every machine makes alike, in no order that a fault could share."""
    places = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return torch.sin(start + 1.7 * places + 0.013 * places**2).view(shape)


def decoder() -> SEDDecoder:
    """Every weight is set; those that multiply stay near one."""
    model = SEDDecoder(templates=3, skips=(8, 16, 24), width=64).double()
    with torch.no_grad():
        for number, (name, weight) in enumerate(model.named_parameters()):
            spread = 0.3 if weight.ndim == 1 else weight[0].numel() ** -0.5
            weight.copy_(spread * wave(*weight.shape, start=number))
            if weight.ndim == 1 and not name.endswith("bias"):
                weight.add_(1)
    return model.eval()


def inputs(words: int = 6) -> tuple[Tensor, list[Tensor], Tensor]:
    skips = [wave(1, c, 2 * s, 3 * s, start=s) for c, s in ((8, 8), (16, 4), (24, 2))]
    return wave(1, 12, 2, 3, start=0.5), skips, wave(words, 3, 12, start=0.9)


# What the decoder gave in float64 when this was written.
LOGITS = [0.513051166861709, 0.9120542401312067, 0.13095228509610618, 0.4512691888313423]
MEAN_AND_SPREAD = (0.32936721693799054, 0.3783511221684841)
TRAINING = [0.2458829690965893, 0.048927068358474116, 0.29624384219843075, -0.22589531307876232]


@torch.no_grad()
def test_logits_of_the_whole_decoder() -> None:
    logits, early = decoder()(*inputs())
    assert logits.shape == (1, 6, 16, 24)
    assert early == []
    found = [logits[0, n, y, x].item() for n, y, x in [(0, 0, 0), (1, 7, 11), (2, 15, 23), (5, 3, 20)]]
    assert found == pytest.approx(LOGITS, abs=1e-9)
    assert (logits.mean().item(), logits.std().item()) == pytest.approx(MEAN_AND_SPREAD, abs=1e-9)


@torch.no_grad()
def test_logits_in_training() -> None:
    """Attention then works at half the resolution, and the early heads answer."""
    logits, early = decoder().train()(*inputs())
    found = [part[0, 2, 1, 2].item() for part in (logits, *early)]
    assert found == pytest.approx(TRAINING, abs=1e-9)


def test_the_decoder_starts_as_described() -> None:
    model = SEDDecoder()
    blocks = [module for module in model.modules() if isinstance(module, Surroundings)]
    assert len(blocks) == 3
    for block in blocks:
        assert torch.equal(block.scale, torch.ones_like(block.scale))
        assert block.norm.eps == 1e-6
    groups = [m.num_groups for m in model.modules() if isinstance(m, nn.GroupNorm)]
    assert groups == [4, 4, 2, 2, 1, 1]  # of sixteen channels each
    for head in (*model.early, model.head):
        assert head.bias.sigmoid().item() == pytest.approx(0.018, abs=1e-3)  # nearly every word is absent


@torch.no_grad()
def test_surroundings_are_a_convnext_block() -> None:
    block = Surroundings(4).double()
    for number, weight in enumerate(block.parameters()):
        weight.copy_(wave(*weight.shape, start=number))
    x = wave(1, 4, 5, 5, start=0.2)
    seen = F.conv2d(F.pad(x, (4, 4, 4, 4)), block.depthwise.weight, block.depthwise.bias, groups=4)[
        0, :, 2, 3
    ]
    y = (seen - seen.mean()) / (seen.var(unbiased=False) + 1e-6).sqrt() * block.norm.weight + block.norm.bias
    y = block.up.weight @ y + block.up.bias
    y = y * (1 + torch.erf(y / 2**0.5)) / 2  # GELU
    y = block.scale * (block.down.weight @ y + block.down.bias)
    torch.testing.assert_close(block(x)[0, :, 2, 3], x[0, :, 2, 3] + y)


@torch.no_grad()
@pytest.mark.parametrize("k", [1, 2, 5])
def test_words_are_rejected_before_each_stage_by_all_positions(k: int) -> None:
    """Stage by stage with the words that are left, against the decoder's own way."""
    model, (dense, skips, embeddings) = decoder(), inputs(words=30)
    for head in model.early[1:]:
        nn.init.ones_(
            head.get_parameter("weight")
        )  # some words then win at many positions, and others are rejected late
    cost = cost_volume(dense, embeddings[None])
    part = DecoderPart(torch.arange(30), model.embed(cost[0])[None], cost)
    left: list[int] = []
    for stage, head, skip in zip(model.stages, model.early, reversed(skips), strict=True):
        best = {n for scores in head(part.x[0])[:, 0].flatten(1).T for n in scores.argsort()[-k:].tolist()}
        some = torch.tensor(sorted(best))
        (part,) = stage([DecoderPart(part.ids[some], part.x[:, some], part.guide[:, some])], skip)
        left.append(len(some))
    assert 30 > left[0] > left[-1] > k  # by several positions, and not in the first stage alone
    expected = torch.full((30, 16, 24), REJECTED, dtype=torch.float64)
    expected[part.ids] = model.head(part.x[0])[:, 0]
    torch.testing.assert_close(model(dense, skips, embeddings, k)[0][0], expected)
