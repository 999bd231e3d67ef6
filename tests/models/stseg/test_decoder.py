"""The decoder against slow versions written from the description, and what may be done part by part."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.layers.cosine import cost_volume
from openvss.models.stseg.class_attention import ClassAttention
from openvss.models.stseg.decoder import SEDDecoder
from openvss.models.stseg.early import REJECTED
from openvss.models.stseg.stage import DecoderPart, Fusion, Surroundings


def decoder() -> SEDDecoder:
    torch.manual_seed(0)
    return SEDDecoder(templates=3, skips=(8, 16, 24), width=32).eval()


def inputs(batch: int = 1, words: int = 9) -> tuple[Tensor, list[Tensor], Tensor]:
    torch.manual_seed(1)
    skips = [torch.randn(batch, c, 2 * s, 3 * s) for c, s in ((8, 8), (16, 4), (24, 2))]
    return torch.randn(batch, 12, 2, 3), skips, torch.randn(words, 3, 12)


def test_parameters_are_those_of_the_published_decoder() -> None:
    parts = {name: sum(p.numel() for p in m.parameters()) for name, m in SEDDecoder().named_children()}
    assert parts["embed"] == 501_888
    assert parts["early"] + parts["head"] == 1_153 + 577 + 289 + 145
    assert sum(parts.values()) == 1_376_396


def test_cost_volume_is_eq_5() -> None:
    dense, _, embeddings = inputs(2)
    volume = cost_volume(dense, embeddings[None])
    assert volume.shape == (2, 9, 3, 2, 3)
    for b, n, p, y, x in [(0, 0, 0, 0, 0), (1, 8, 2, 1, 2), (0, 4, 1, 1, 0)]:
        f, e = dense[b, :, y, x].tolist(), embeddings[n, p].tolist()
        dot = sum(i * j for i, j in zip(f, e, strict=True))
        norm = math.sqrt(sum(i * i for i in f)) * math.sqrt(sum(j * j for j in e))
        assert volume[b, n, p, y, x].item() == pytest.approx(dot / norm, abs=1e-6)


def naive_class_attention(layer: ClassAttention, x: Tensor) -> Tensor:
    """One position, (n, C): every pair of words, one head after the other."""
    n, width = x.shape
    d = width // layer.heads
    tokens = layer.norm1(x)
    q, k, v = F.elu(layer.q(tokens)) + 1, F.elu(layer.k(tokens)) + 1, layer.v(tokens)
    found = torch.zeros(n, width)
    for head in range(layer.heads):
        part = slice(head * d, head * d + d)
        for i in range(n):
            weights = torch.stack([q[i, part] @ k[j, part] for j in range(n)])
            found[i, part] = sum(weights[j] * v[j, part] for j in range(n)) / (weights.sum() + 1e-6)
    y = x + found
    y = y + layer.mlp(layer.norm2(y))
    return x + y


def test_class_attention_agrees_with_every_pair_of_words() -> None:
    torch.manual_seed(0)
    layer, x = ClassAttention(16).eval(), torch.randn(2, 5, 16, 2, 3)
    fast = layer(x, layer.summary(x))
    for b, i, j in [(0, 0, 0), (1, 1, 2)]:
        slow = naive_class_attention(layer, x[b, :, :, i, j])
        torch.testing.assert_close(fast[b, :, :, i, j], slow, atol=1e-5, rtol=1e-5)


def test_class_attention_in_training_works_at_half_resolution() -> None:
    torch.manual_seed(0)
    layer, x = ClassAttention(16).train(), torch.randn(1, 4, 16, 4, 4)
    trained = layer(x, layer.summary(x)) - x
    layer.eval()
    small = F.avg_pool2d(x[0], 2)[None]
    y = layer(small, layer.summary(small)) - small
    wide = F.interpolate(y[0], (4, 4), mode="bilinear", align_corners=True)[None]
    torch.testing.assert_close(trained, wide, atol=1e-5, rtol=1e-5)


def test_fusion_joins_map_detail_and_cost() -> None:
    torch.manual_seed(0)
    fusion = Fusion(width=16, skip=6, guide=5)
    part = DecoderPart(torch.arange(3), torch.randn(2, 3, 16, 2, 2), torch.randn(2, 3, 5, 2, 2))
    skip = torch.randn(2, 6, 4, 4)
    joined = fusion(part, fusion.skip(skip))
    assert joined.x.shape == (2, 3, 8, 4, 4)
    b, n = 1, 2
    guide = F.relu(fusion.guide[0](part.guide[b, n][None]))
    detail = F.relu(fusion.skip[0](skip[b : b + 1]))
    one = fusion.join(torch.cat([fusion.raise_map(part.x[b, n][None]), detail, guide], 1))
    torch.testing.assert_close(joined.x[b, n], one[0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(joined.guide[b, n], guide[0], atol=1e-6, rtol=1e-5)


def test_surroundings_reach_four_cells() -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 4, 12, 12, requires_grad=True)
    Surroundings(4)(x)[0, :, 6, 6].square().sum().backward()
    assert x.grad is not None
    rows = x.grad[0].abs().sum((0, 2)).nonzero().flatten().tolist()
    assert rows == list(range(2, 11))


@pytest.mark.parametrize("words_at_once", [1, 2, 4])
def test_words_in_parts_equal_all_words_at_once(words_at_once: int) -> None:
    model, (dense, skips, embeddings) = decoder(), inputs(2)
    with torch.no_grad():
        whole, _ = model(dense, skips, embeddings)
        model.workspace = words_at_once * model.floats * 2 * 6
        parts, _ = model(dense, skips, embeddings)
    assert whole.shape == (2, 9, 16, 24)
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)


def test_words_in_parts_train_alike() -> None:
    model, (dense, skips, embeddings) = decoder().train(), inputs(2)
    gradients = []
    for workspace in (1, 1 << 26):
        model.workspace = workspace
        model.zero_grad()
        logits, early = model(dense, skips, embeddings)
        (logits.square().mean() + sum(e.square().mean() for e in early)).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-5, rtol=1e-4)


def test_early_rejection_that_keeps_all_is_the_plain_path() -> None:
    with torch.no_grad():
        plain, _ = decoder()(*inputs())
        for topk in (9, 10, 100):
            assert torch.equal(decoder()(*inputs(), topk)[0], plain)


def test_early_rejection_keeps_the_union_of_the_best_at_each_position() -> None:
    model, (dense, skips, embeddings) = decoder(), inputs(words=30)
    with torch.no_grad():
        logits, _ = model(dense, skips, embeddings, 2)
        embedded = model.embed(cost_volume(dense, embeddings[None])[0])
        first = model.early[0](embedded)[:, 0]
    best = {i for y in range(2) for x in range(3) for i in first[:, y, x].topk(2).indices.tolist()}
    rejected = (logits[0] == REJECTED).flatten(1).all(1)
    kept = {i for i in range(30) if not rejected[i]}
    assert kept <= best
    assert 2 <= len(kept) < 30
    assert not (logits[0, sorted(kept)] == REJECTED).any()


def test_early_rejection_of_parts_is_that_of_the_whole() -> None:
    model, (dense, skips, embeddings) = decoder(), inputs(words=30)
    with torch.no_grad():
        whole, _ = model(dense, skips, embeddings, 2)
        model.workspace = 4 * model.floats * 6
        parts, _ = model(dense, skips, embeddings, 2)
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)


def test_early_heads_learn_without_shaping_the_features() -> None:
    model, (dense, skips, embeddings) = decoder().train(), inputs()
    dense.requires_grad_()
    _, early = model(dense, skips, embeddings)
    assert [tuple(e.shape) for e in early] == [(1, 9, 2, 3), (1, 9, 4, 6), (1, 9, 8, 12)]
    sum(e.square().sum() for e in early).backward()
    assert dense.grad is None
    assert all(p.grad is not None for p in model.early.parameters())
    assert model.embed.weight.grad is None


def test_the_encoder_learns_through_the_dense_features_alone() -> None:
    model, (dense, skips, embeddings) = decoder().train(), inputs()
    for x in (dense, *skips):
        x.requires_grad_()
    logits, _ = model(dense, skips, embeddings)
    logits.square().sum().backward()
    assert dense.grad is not None
    assert all(skip.grad is None for skip in skips)
