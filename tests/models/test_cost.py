from __future__ import annotations

import pytest
import torch
from torch import Tensor

from openvss.models import cost
from openvss.models.cost import Cost, Subject, interleave, measure, multiply_adds, peak_bytes
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


def subject(name: str, **options: object) -> Subject:
    torch.manual_seed(0)
    model = build_model(name, {**NANO, **options})
    assert model.fixed_words is not None
    return Subject(name, model, model.embed(model.fixed_words), (64, 64), batch=2)


def test_frames_per_second_count_the_context_once_for_a_video(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the times of two frames streaming, two clips, k-means, and k-means with its frames encoded."""
    monkeypatch.setattr(cost, "interleave", lambda steps, rounds: [[40.0], [100.0], [71.0], [710.0]])

    def measured(name: str) -> Cost:
        return measure([subject(name, heads=2)] if name != "segformer-b0" else [subject(name)], rounds=1)[0]

    plain, plusplus = measured("segformer-b0"), measured("cffm++-b0")
    for one in (plain, plusplus):
        assert (one.streaming_ms, one.clip_ms) == (20, 50)
    assert (plain.streaming_fps, plain.clip_fps) == (1000 / 20, 1000 / 50)
    assert (plain.summarise_ms, plain.context_ms) == (0, 0)
    assert (plusplus.summarise_ms, plusplus.context_ms) == (71, 710)
    assert (plusplus.streaming_fps, plusplus.clip_fps) == (1000 / (20 + 1), 1000 / (50 + 10))


def test_the_context_is_that_of_encoded_frames() -> None:
    one = subject("cffm++-b0", heads=2)
    cached, anew = one.summarise(), one.encode_and_summarise()
    assert cached is not None
    assert anew is not None
    assert cached["prototypes"].shape == anew["prototypes"].shape == (1, 100, 16)
    # what is timed as encoding anew really passes the backbone, for ten frames
    assert multiply_adds(one.encode_and_summarise) - multiply_adds(one.summarise) == multiply_adds(
        lambda: one.model.encode_reference(one.far)
    )
    assert subject("segformer-b0").summarise() is None


def test_costs_side_by_side() -> None:
    subjects = [subject("segformer-b0"), subject("cffm-b0", heads=2), subject("cffm++-b0", heads=2)]
    for one in subjects:
        assert torch.allclose(one.stream(), one.encode_all(), atol=1e-5)
    segformer, cffm, plusplus = measure(subjects, rounds=1)
    assert segformer.streaming_macs == segformer.clip_macs
    assert 3 * segformer.streaming_macs < cffm.clip_macs
    assert segformer.streaming_macs < cffm.streaming_macs < plusplus.streaming_macs < cffm.clip_macs
    assert segformer.parameters < cffm.parameters < plusplus.parameters
    assert segformer.memory < cffm.memory
