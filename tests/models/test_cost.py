from __future__ import annotations

import torch
from torch import Tensor

from openvss.models.cost import Subject, interleave, measure, multiply_adds, peak_bytes
from openvss.models.registry import build_model

NANO = {"backbone": "mit-nano", "words": "road, sky", "dim": 16}


def test_multiply_adds_of_products_and_attention() -> None:
    a, b = torch.rand(3, 5), torch.rand(5, 7)
    assert multiply_adds(lambda: a @ b) == 3 * 5 * 7
    q, k = torch.rand(1, 2, 4, 8), torch.rand(1, 2, 6, 8)
    attend = torch.nn.functional.scaled_dot_product_attention
    assert multiply_adds(lambda: attend(q, k, k)) == 2 * (2 * 4 * 6 * 8)


def test_peak_counts_what_lives_at_once() -> None:
    x = torch.zeros(1000)  # 4 kB, from before

    def one_after_the_other() -> Tensor:
        for _ in range(5):
            y = x + 1
        return y

    def together() -> list[Tensor]:
        return [x + i for i in range(5)]

    assert 4_000 <= peak_bytes(one_after_the_other) <= 8_000
    assert peak_bytes(together) == 20_000
    assert peak_bytes(lambda: x.view(10, 100)[3:].add_(1)) == 0


def test_steps_take_turns() -> None:
    order: list[str] = []
    times = interleave([lambda: order.append("a"), lambda: order.append("b")], rounds=2)
    assert order == ["a", "b"] * 3
    assert [len(series) for series in times] == [2, 2]


def test_costs_side_by_side() -> None:
    subjects = []
    for name, options in (("segformer-b0", {}), ("cffm-b0", {"heads": 2}), ("cffm++-b0", {"heads": 2})):
        torch.manual_seed(0)
        model = build_model(name, {**NANO, **options})
        assert model.fixed_words is not None
        subjects.append(Subject(name, model, model.embed(model.fixed_words), (64, 64), batch=2))
    for one in subjects:
        assert torch.allclose(one.stream(), one.encode_all(), atol=1e-5)
    segformer, cffm, plusplus = measure(subjects, rounds=1)
    assert segformer.streaming_macs == segformer.clip_macs
    assert 3 * segformer.streaming_macs < cffm.clip_macs
    assert segformer.streaming_macs < cffm.streaming_macs < plusplus.streaming_macs < cffm.clip_macs
    assert segformer.parameters < cffm.parameters < plusplus.parameters
    assert segformer.memory < cffm.memory
