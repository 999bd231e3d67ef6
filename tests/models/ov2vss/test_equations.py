"""Each equation of the paper against a version that computes one number at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import exp, log, sqrt

import pytest
import torch
from torch import Tensor, nn

from openvss.models.base import Output
from openvss.models.ov2vss.affinity import AffinityAggregation
from openvss.models.ov2vss.chain import Chain, View
from openvss.models.ov2vss.decoder import CostDecoder
from openvss.models.ov2vss.factorised import TextCosine
from openvss.models.ov2vss.pooling import P2T, pool, pooled_grids
from openvss.models.ov2vss.presets import Affinity, Aggregation, Fusing
from openvss.models.ov2vss.rfe import RFE, SHARPNESS
from openvss.models.ov2vss.stcf import STCF
from openvss.models.ov2vss.vte import VTE
from tests.models.ov2vss import naive
from tests.models.ov2vss.stand_ins import small

C = 8
GRIDS = [(2, 3), (1, 2), (1, 1), (1, 1)]  # S = 10


@pytest.fixture(autouse=True)
def _same_numbers() -> Iterator[None]:
    torch.manual_seed(3)
    with torch.no_grad():
        yield


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def sized(size: tuple[int, int]) -> Tensor:
    return torch.randn(1, C, *size)


def view(size: tuple[int, int]) -> View:
    u = sized(size)
    return View(pool(u, GRIDS), u)


def frame() -> list[View]:
    return [view(size) for size in [(9, 11), (5, 6), (3, 3), (2, 2)]]


def shaken(module: nn.Module) -> nn.Module:
    """Norms with other weights than one and zero."""
    for parameter in module.parameters():
        if parameter.ndim == 1:
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return module


def test_grids_follow_from_the_size_of_the_frame() -> None:
    assert pooled_grids(480, 480) == [(15, 15), (8, 8), (5, 5), (4, 4)]
    assert pooled_grids(480, 853) == [(15, 27), (8, 13), (5, 9), (4, 7)]
    assert pooled_grids(32, 32) == [(1, 1)] * 4


@pytest.mark.parametrize("size", [(9, 11), (3, 3), (2, 2), (1, 1)])
def test_eq_2_pooling(size: tuple[int, int]) -> None:
    u, module = sized(size), shaken(P2T(C))
    cells = pool(u, GRIDS)
    for a, b in zip(cells, naive.pool(u[0], GRIDS), strict=True):
        close(a[0], b)
    close(module(cells)[0], naive.p2t(module, naive.pool(u[0], GRIDS)))


@pytest.mark.parametrize("affinity", ["linear", "softmax"])
@pytest.mark.parametrize("shared", [True, False])
def test_eq_3_and_4_chain(affinity: Affinity, shared: bool) -> None:
    """With `linear`, A and N are never made, yet keys and values at the end are theirs.

    Every N is standardised over the tokens that it is pooled to: so whatever scale it has does not matter.
    """
    chain = Chain(C, affinity, references=3, shared=shared)
    shaken(chain)
    for parameter in chain.parameters():
        parameter.mul_(3)  # the scale of N is far from the smallest that counts
    clip = [view((5, 6)) for _ in range(3)]
    past = chain.past(clip)
    x = clip[0].u
    assert x is not None
    pooled = naive.pool(x[0], GRIDS)
    for i in range(3):
        hop = chain.hop(i)
        d = naive.p2t(hop.p2t, pooled)
        key = torch.stack([naive.fc(hop.key, token) for token in d])
        value = torch.stack([naive.fc(hop.value, token) for token in d])
        if i < 2:
            u = clip[i + 1].u
            assert u is not None
            a = naive.affinity(hop.query, u[0], key)
            n = naive.carried(a, value, (5, 6), soft=affinity == "softmax")
            pooled = naive.standardise_maps(naive.pool(n, GRIDS))
    torch.testing.assert_close(past.key[0], key, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(past.value[0], value, atol=1e-4, rtol=1e-4)
    target = sized((3, 4))
    a = naive.affinity(chain.hop(-1).query, target[0], key)
    torch.testing.assert_close(
        chain.hop(-1).affinities(target, past)[0].flatten(1).T, a, atol=1e-3, rtol=1e-4
    )


def test_hops_are_shared_or_each_its_own() -> None:
    for references in (2, 3):
        own = Chain(C, "linear", references, shared=False)
        assert len({id(own.hop(i)) for i in range(references)}) == references
        assert own.hop(-1) is own.hop(references - 1)
        shared = Chain(C, "linear", references, shared=True)
        assert len({id(shared.hop(i)) for i in (*range(references), -1)}) == 1


@pytest.mark.parametrize("plan", ["b1", "b2"])
def test_eq_5_aggregation(plan: Aggregation) -> None:
    module = AffinityAggregation(plan)
    shaken(module)
    sizes = [(2, 2), (3, 3), (5, 6)]
    maps = [torch.randn(1, 2, *size) for size in sizes]
    out = module(maps)
    for s in range(2):  # each token by itself
        deep, middle, fine = [
            naive.stages(stage, m[0, s : s + 1])
            for stage, m in zip(module.squeeze.children(), maps, strict=True)
        ]
        first, second = module.mix.children()
        b = naive.stages(first, naive.upsample_corners(deep, sizes[1]) + middle)
        b = naive.stages(second, naive.upsample_corners(b, sizes[2]) + fine)
        close(out[0, s], b[0])


@pytest.mark.parametrize("affinity", ["linear", "softmax"])
def test_eq_6_fusion(affinity: Affinity) -> None:
    module = STCF(4, C, affinity)
    clip, target = [frame() for _ in range(3)], frame()
    past = module.past(clip)
    a = []
    for i in (3, 2, 1):
        chain = module.chains[i]
        assert isinstance(chain, Chain)
        u = target[i].u
        assert u is not None
        a.append(chain.hop(-1).affinities(u, past[i]))
    b = module.aggregate(a)[0]  # (S, 5, 6)
    tokens = len(b)
    values = [
        naive.fc(module.values, torch.cat([scale.value[0, s] for scale in past])) for s in range(tokens)
    ]
    shaken(module.norm)
    out = module(target, past)
    o = torch.empty(C, 5, 6)
    for i, j in product(range(5), range(6)):
        at = list(b[:, i, j])
        weights = naive.softmax(at) if affinity == "softmax" else at
        o[:, i, j] = torch.stack([w * v for w, v in zip(weights, values, strict=True)]).sum(0)
    close(out[0], naive.group_norm(module.norm, o))


def test_eq_7_and_15_losses() -> None:
    """alpha CE(logits) + beta CE(auxiliary logits), each a mean over the labelled pixels."""
    model = small(alpha=2.0, beta=0.5)
    main, auxiliary = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    labels = torch.randint(0, 3, (2, 4, 5))
    labels[0, :2] = 255
    terms = model.loss(Output(main, {"o": auxiliary}), labels)
    for name, factor, logits in [("main", 2.0, main), ("aux", 0.5, auxiliary)]:
        losses = []
        for b, i, j in product(range(2), range(4), range(5)):
            label = int(labels[b, i, j])
            if label != 255:
                total = sum(exp(float(x)) for x in logits[b, :, i, j])
                losses.append(log(total) - float(logits[b, label, i, j]))
        assert float(terms[name]) == pytest.approx(factor * sum(losses) / len(losses), abs=1e-5)


def test_eq_7_auxiliary_head() -> None:
    module, o, text = TextCosine(C, 6), sized((2, 3)), torch.randn(1, 4, 1, 6)
    logits = module(o, text)
    for n, i, j in product(range(4), range(2), range(3)):
        x, word = naive.fc(module.project, o[0, :, i, j]), text[0, n, 0]
        cosine = float((x * word).sum()) / sqrt(float((x * x).sum()) * float((word * word).sum()))
        assert float(logits[0, n, i, j]) == pytest.approx(20 * cosine, abs=1e-4)


def test_eq_8_to_10_distant_frame() -> None:
    module = RFE(4, C, regions=3, heads=2)
    shaken(module)
    distant = frame()
    tokens = module.tokens([scale.pooled for scale in distant])
    d = [naive.p2t(p2t, [x[0] for x in scale.pooled]) for p2t, scale in zip(module.p2t, distant, strict=True)]
    gathered = [naive.fc(module.gather, torch.cat([scale[s] for scale in d])) for s in range(10)]
    gathered = naive.standardise(gathered)
    close(tokens[0], torch.stack(gathered))  # Eq. 8

    first, _, second = module.assign.children()
    logits = naive.standardise([naive.fc(second, naive.fc(first, token).clamp(min=0)) for token in gathered])
    regions = []
    for r in range(3):
        weights = naive.softmax([SHARPNESS * row[r] for row in logits])
        regions.append(torch.stack([w * t for w, t in zip(weights, gathered, strict=True)]).sum(0))
    close(module.regions(tokens)[0], torch.stack(regions))  # Eq. 9

    o = sized((2, 3))
    known = [naive.layer_norm(module.norm_regions, r) for r in regions]
    keys = [naive.fc(module.key, r) for r in known]
    values = [naive.fc(module.value, r) for r in known]

    def look(x: Tensor) -> Tensor:
        query = naive.fc(module.query, naive.layer_norm(module.norm_target, x))
        return naive.fc(module.project, naive.attention(query, keys, values, 2))

    seen = naive.group_norm(module.norm, naive.over_positions(o[0], look))
    close(module(o, module.regions(tokens))[0], seen)  # Eq. 10


@pytest.mark.parametrize("ffn", [True, False])
def test_eq_11_words_look_at_the_frame(ffn: bool) -> None:
    module = VTE(8, heads=2, ffn=ffn)
    shaken(module)
    text, dense = torch.randn(3, 2, 8), torch.randn(1, 2, 8, 2, 3)  # 3 words of 2 prompts, 2 frames
    refined = module(text, *module.look(dense))
    for n, p in product(range(3), range(2)):
        word, news = text[n, p], []
        for t in range(2):
            seen = [naive.layer_norm(module.norm_image, x) for x in naive.positions(dense[0, t])]
            keys, values = [[naive.fc(fc, x) for x in seen] for fc in (module.key, module.value)]
            query = naive.fc(module.query, naive.layer_norm(module.norm_text, word))
            x = naive.fc(module.project, naive.attention(query, keys, values, 2))
            if module.ffn is not None:
                norm, up, _, down = module.ffn.children()
                y = naive.fc(up, naive.layer_norm(norm, word + x))
                x = x + naive.fc(down, y / (1 + torch.exp(-1.702 * y)))
            news.append(x)
        close(refined[0, n, p], word + module.alpha * (news[0] + news[1]) / 2)


@pytest.mark.parametrize("fuse", ["concat", "add"])
def test_eq_12_to_14_decoder(fuse: Fusing) -> None:
    """With the concatenations really made: the decoder never makes them."""
    c = 16
    module = CostDecoder(c, prompts=2, cost_channels=3, places=(0, 1), fuse=fuse)
    shaken(module)
    maps = [torch.randn(1, c, 6, 8), torch.randn(1, c, 3, 4)]
    o, dense, text = torch.randn(1, c, 4, 6), torch.randn(1, 5, 3, 4), torch.randn(1, 2, 2, 5)
    out = module.score(module.fuse(maps, o, dense), text)
    cost = module.cost
    guide = naive.conv_of(module.guide, o[0]).clamp(min=0)
    pooled = torch.cat(naive.pool(maps[0][0], [(3, 4)]))
    places = [
        naive.conv_of(layer, x).clamp(min=0)
        for layer, x in zip(cost.place, [pooled, maps[1][0]], strict=True)
    ]
    for n in range(2):
        x = torch.empty(2, 3, 4)
        for p, i, j in product(range(2), range(3), range(4)):
            word, pixel = text[0, n, p], dense[0, :, i, j]
            x[p, i, j] = (word * pixel).sum() / (word.norm() * pixel.norm())  # Eq. 12
        x = torch.cat([naive.conv_of(cost.refine, x), *places])
        weight = torch.cat([cost.mix_cost.weight, cost.mix_position.weight], dim=1)
        x = naive.conv(weight, cost.mix_cost.bias, x)  # Eq. 13
        x = naive.upsample(x, (4, 6))
        if fuse == "concat":
            weight = torch.cat(
                [module.join_cost.get_parameter("weight"), module.join_guide.get_parameter("weight")], dim=1
            )
            x = naive.conv(weight, module.join_cost.get_parameter("bias"), torch.cat([x, guide]))  # Eq. 14
        else:
            x = naive.conv_of(module.after_adding, naive.conv_of(module.join_cost, x) + guide)
        x = naive.group_norm(module.norm, x).clamp(min=0)
        close(out[0, n], naive.conv_of(module.head, x)[0])
