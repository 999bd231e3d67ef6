"""Tensors that are built once."""

from __future__ import annotations

import copy
import pickle

import torch
from torch import Tensor, nn

from openvss.models.layers.constants import built_once

CPU = torch.device("cpu")


def test_built_once_for_each_set_of_arguments_and_only_so_many_are_kept() -> None:
    built: list[int] = []

    @built_once(2)
    def steps(n: int) -> Tensor:
        built.append(n)
        return torch.arange(n)

    assert steps(3) is steps(3)
    assert steps(4).tolist() == [0, 1, 2, 3]
    steps(3), steps(5), steps(4)
    assert built == [3, 4, 5, 4]


def test_what_inference_asked_for_first_can_be_trained_with() -> None:
    @built_once(1)
    def twos(n: int) -> Tensor:
        return torch.full((n,), 2.0)

    with torch.inference_mode():
        twos(3)
    weight = torch.ones(3, requires_grad=True)
    (weight * twos(3)).sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [2, 2, 2]


@built_once(4)
def numbers(n: int, device: torch.device) -> Tensor:
    return torch.arange(n, device=device)


class Numbered(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + numbers(x.shape[1], x.device)


def test_an_exported_model_makes_them_for_the_size_that_comes_in() -> None:
    numbers(6, CPU)
    exported = torch.export.export(
        Numbered(), (torch.zeros(2, 6),), dynamic_shapes={"x": {1: torch.export.Dim("n", min=2, max=64)}}
    )
    for n in (6, 9):
        assert torch.equal(exported.module()(torch.zeros(1, n).expand(2, n)), numbers(n, CPU).expand(2, n))
    assert type(numbers(6, CPU)) is Tensor


def test_copied_models_give_the_same() -> None:
    model = Numbered()
    assert torch.equal(copy.deepcopy(model)(torch.zeros(1, 5)), torch.arange(5)[None])
    assert torch.equal(pickle.loads(pickle.dumps(model))(torch.zeros(1, 5)), torch.arange(5)[None])
