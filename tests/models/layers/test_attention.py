"""Attention against sums written out."""

import torch
from torch import nn

from openvss.models.layers.attention import attend, perceptron


def test_every_head_attends_with_its_own_part_of_the_vectors() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, n, 6, generator=generator, dtype=torch.float64) for n in (3, 4, 4))
    found = attend(q, k, v, heads=2)
    for b in range(2):
        for i in range(3):
            for head in range(2):
                part = slice(3 * head, 3 * head + 3)
                scores = [float(q[b, i, part] @ k[b, j, part]) / 3**0.5 for j in range(4)]
                weights = torch.tensor(scores, dtype=torch.float64).softmax(0)
                expected = sum((weights[j] * v[b, j, part] for j in range(4)), torch.zeros(3))
                torch.testing.assert_close(found[b, i, part], expected)


def test_the_perceptron_widens_four_times() -> None:
    first, activation, second = perceptron(6, nn.ReLU)
    assert isinstance(first, nn.Linear)
    assert isinstance(activation, nn.ReLU)
    assert isinstance(second, nn.Linear)
    assert (first.in_features, first.out_features, second.out_features) == (6, 24, 6)
