"""Numbers that must not drift: they are of weights that agree with the authors' layers to 1e-6."""

from __future__ import annotations

import torch
from torch import Tensor

from openvss.models.cffm.geometry import Geometry
from openvss.models.cffm.global_mining import MineGlobally
from openvss.models.cffm.kmeans import cluster
from openvss.models.cffm.mine import Mine


def wave(*shape: int, seed: int = 0) -> Tensor:
    """Values that every machine makes alike."""
    n = torch.Size(shape).numel()
    return torch.sin(torch.arange(n, dtype=torch.float64) * 0.7 + seed * 1.3).view(shape)


def waved(module: torch.nn.Module) -> torch.nn.Module:
    module = module.double()
    with torch.no_grad():
        for i, parameter in enumerate(module.parameters()):
            parameter.copy_(0.4 * wave(*parameter.shape, seed=i))
    return module


def summary(x: Tensor) -> Tensor:
    """A few of the numbers, and two that depend on all."""
    flat = x.detach().flatten()
    return torch.stack([flat[0], flat[len(flat) // 3], flat[-1], flat.sum(), flat.square().sum()])


def check(x: Tensor, expected: list[float]) -> None:
    torch.testing.assert_close(summary(x), torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=1e-6)


def test_a_layer_of_cffm() -> None:
    maps = [wave(1, 9, 8, 8, seed=20 + i) for i in range(4)]
    check(
        waved(Mine(Geometry(), 8, 2))(maps[3], maps[:3]),
        [1.0078494, 2.86096984, 0.760119371, 198.559866, 1893.47033],
    )


def test_a_layer_of_cffm_as_for_training_from_scratch() -> None:
    maps = [wave(1, 9, 8, 8, seed=20 + i) for i in range(4)]
    geometry = Geometry(centred=True, mask_border=True)
    check(
        waved(Mine(geometry, 8, 2))(maps[3], maps[:3]),
        [1.17190571, 3.04241402, 0.969305519, 173.38168, 2004.46435],
    )


def test_a_global_layer() -> None:
    check(
        waved(MineGlobally(8, 2))(wave(1, 3, 4, 8), wave(1, 5, 8, seed=9)),
        [-1.84399187, -2.26872871, -0.54038909, -16.7982663, 302.260197],
    )


def test_clusters() -> None:
    tokens = wave(40, 3) + wave(40, 1, seed=4) * 2
    check(cluster(tokens, tokens[:4])[0], [-2.19151461, -0.719010112, 2.19950637, -0.16862123, 29.0125527])
