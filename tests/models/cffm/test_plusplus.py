from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from openvss.models.base import IGNORE
from openvss.models.cffm.global_mining import MineGlobally
from openvss.models.cffm.model import CFFM
from openvss.models.cffm.plusplus import CFFMPlusPlus, build
from openvss.models.cffm.presets import CFFMOptions
from openvss.models.words import WordEmbeddings
from openvss.training.optimisation import freeze, train_mode


def small(**options: Any) -> CFFM:
    torch.manual_seed(0)
    parts = CFFMOptions("mit-nano", "road, sky, tree", layers=1, dim=16, heads=2, prototypes=8, frames=4)
    return build(replace(parts, **{"global_layers": 2, **options}))


def words_of(model: CFFM) -> WordEmbeddings:
    assert model.fixed_words is not None
    return model.embed(model.fixed_words)


def test_a_layer_is_what_loops_over_positions_give() -> None:
    torch.manual_seed(0)
    layer, target, prototypes = MineGlobally(6, 2), torch.randn(1, 2, 3, 6), torch.randn(1, 5, 6)
    expected = torch.zeros(2, 3, 6)
    with torch.no_grad():
        key, value = layer.key_value(layer.norm1(prototypes[0])).split(6, dim=1)
        for i in range(2):
            for j in range(3):
                query = layer.query(layer.norm1(target[0, i, j]))
                mined = torch.zeros(6)
                for h in (slice(0, 3), slice(3, 6)):
                    weights = torch.stack([query[h] @ k[h] / 3**0.5 for k in key]).softmax(0)
                    mined[h] = sum(w * v[h] for w, v in zip(weights, value, strict=True))
                x = target[0, i, j] + layer.project(mined)
                expected[i, j] = x + layer.mlp(layer.norm2(x))
        torch.testing.assert_close(layer(target, prototypes)[0], expected)


def test_frames_are_the_middles_of_equal_parts() -> None:
    model = small(frames=10)
    assert model.context_frames(50, 71) == [3, 10, 17, 24, 31, 38, 45, 52, 59, 66]
    assert model.context_frames(2, 3) == [0, 1, 2]
    assert small(frames=10, official=True).context_frames(2, 3) == [0] * 10


def test_while_a_video_comes_in_the_frames_change_every_tenth_time() -> None:
    model = small(frames=10)
    picks = [tuple(model.context_frames(t, t + 1)) for t in range(9, 100)]
    assert len(set(picks)) == 10


def test_logits_are_those_of_cffm_and_half_the_second_opinion() -> None:
    model = small().eval()
    frames, context, words = torch.rand(1, 4, 3, 64, 64), torch.rand(1, 4, 3, 64, 64), words_of(model)
    with torch.no_grad():
        both, local = model(frames, words, context).logits, model(frames, words).logits
        assert isinstance(model, CFFMPlusPlus)
        model.weight = 1.0
        torch.testing.assert_close(2 * (both - local), model(frames, words, context).logits - local)


def test_weights_of_a_trained_cffm_fit_in_by_name() -> None:
    local, model = small(global_layers=0), small()
    missing, unexpected = model.load_state_dict(local.state_dict(), strict=False)
    assert not unexpected
    assert all(name.startswith("global_") for name in missing)


def test_the_second_stage_trains_the_second_opinion_alone() -> None:
    model = small()
    freeze(model, ("backbone", "head", "frame_classifier", "layers", "classifier"))
    train_mode(model)
    norm = model.head.norm.state_dict()
    statistics = {name: x.clone() for name, x in norm.items()}
    output = model(torch.rand(2, 4, 3, 64, 64), words_of(model), torch.rand(2, 4, 3, 64, 64))
    assert set(output.aux) == {"local", "global"}
    terms = model.loss(output, torch.randint(0, 3, (2, 4, 64, 64)))
    assert set(terms) == {"global"}
    sum(terms.values()).backward()  # type: ignore[union-attr]
    assert all(torch.equal(norm[name], x) for name, x in statistics.items())
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == name.startswith("global_")


def test_both_stages_at_once_have_the_terms_of_both() -> None:
    model = small().train()
    output = model(torch.rand(1, 4, 3, 64, 64), words_of(model), torch.rand(1, 4, 3, 64, 64))
    labels = torch.full((1, 4, 64, 64), IGNORE)
    labels[:, -1] = 1
    assert set(model.loss(output, labels)) == {"target", "frames", "global"}


def test_prototypes_of_maps_in_half_precision() -> None:
    model = small()
    features = {"map": (torch.randn(4, 8, 8, 16) + 2).bfloat16()}
    with torch.autocast("cpu", torch.bfloat16):
        found = model.summarise(features)["prototypes"]
    assert torch.equal(found, model.summarise({"map": features["map"].float()})["prototypes"])


def test_prototypes_of_a_teacher() -> None:
    """They depend on the teacher alone, and it is not trained."""
    model = small(teacher="mit-nano")
    assert isinstance(model, CFFMPlusPlus)
    assert model.teacher is not None
    assert not any(p.requires_grad for p in model.teacher.parameters())
    frames = torch.rand(4, 3, 64, 64)
    features = model.eval().compact(model.encode(frames))
    with torch.no_grad():
        before = model.summarise(features)["prototypes"]
        changed = {**features, "map": features["map"] + 1}
        assert torch.equal(model.summarise(changed)["prototypes"], before)
        for parameter in model.teacher.parameters():
            parameter.add_(0.1)
        assert not torch.equal(model.summarise(features)["prototypes"], before)


@pytest.mark.parametrize("options", [{"layers": 0}, {"references": ()}])
def test_global_contexts_without_local_ones(options: dict[str, object]) -> None:
    """SegFormer, or static contexts, with global ones."""
    model = small(**options).eval()
    assert model.references == ()
    with torch.no_grad():
        logits = model(torch.rand(1, 1, 3, 64, 64), words_of(model), torch.rand(1, 4, 3, 64, 64)).logits
    assert logits.shape == (1, 3, 16, 16)
