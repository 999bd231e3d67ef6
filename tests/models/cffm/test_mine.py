from __future__ import annotations

import pytest
import torch
from torch import Tensor

from openvss.models.cffm.geometry import COARSE, FINE, MIDDLE, Geometry, Pooling
from openvss.models.cffm.mine import Mine
from openvss.models.cffm.tables import tables
from tests.models.cffm.naive import naive_layer

DIM = 4


def layer(geometry: Geometry, seed: int = 0) -> Mine:
    torch.manual_seed(seed)
    made = Mine(geometry, DIM, heads=2)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return made


def maps(geometry: Geometry, height: int, width: int, batch: int = 1) -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.randn(batch, height, width, DIM) for _ in range(len(geometry.references) + 1)]


@pytest.mark.parametrize(("height", "width"), [(7, 14), (9, 8), (4, 5)])
def test_a_layer_is_what_loops_over_windows_and_tokens_give(height: int, width: int) -> None:
    geometry = Geometry()
    target, *references = maps(geometry, height, width)
    mined = layer(geometry)(target, references)
    with torch.no_grad():
        expected = naive_layer(layer(geometry), geometry, target[0], [r[0] for r in references])
    torch.testing.assert_close(mined[0], expected, atol=1e-5, rtol=1e-5)


def test_other_poolings_too() -> None:
    geometry = Geometry(target=Pooling(1, 3), references=(Pooling(2, 3), Pooling(7, 3)))
    target, *references = maps(geometry, 8, 9)
    with torch.no_grad():
        expected = naive_layer(layer(geometry), geometry, target[0], [r[0] for r in references])
    torch.testing.assert_close(layer(geometry)(target, references)[0], expected, atol=1e-5, rtol=1e-5)


def test_the_authors_count_of_tokens() -> None:
    geometry = Geometry()
    assert len(geometry.own) + len(geometry.ring) + 25 + 49 + 25 + 9 == 289
    assert geometry.n_keys == 289 - 12  # twelve positions of the ring are named twice
    assert len(geometry.near) == 13 * 13


def seen_by(geometry: Geometry, frame: int, size: int, window: int) -> tuple[int, int]:
    """First and last row of a frame that the window in the middle of its column looks at."""
    made = layer(geometry)
    clip = [torch.zeros(1, size, size, DIM) for _ in range(4)]
    clip[frame] = torch.randn(1, size, size, DIM).requires_grad_()
    made(clip[3], clip[:3])[0, 7 * window : 7 * window + 7, 7 * window : 7 * window + 7].sum().backward()
    gradient = clip[frame].grad
    assert gradient is not None
    rows = gradient[0].abs().sum((1, 2)).nonzero()[:, 0]
    return int(rows[0]) - 7 * window, int(rows[-1]) - 7 * window


def test_regions_of_the_authors() -> None:
    geometry = Geometry()
    regions = [seen_by(geometry, frame, 77, 5) for frame in (0, 1, 2)]
    assert regions == [(-21, 27), (-7, 10), (-3, 4)]


def test_centred_regions_lie_around_the_window() -> None:
    geometry = Geometry(centred=True)
    for frame in (0, 1, 2):
        first, last = seen_by(geometry, frame, 77, 5)
        assert (
            abs(first + last - 6) <= 1
        )  # the window spans 0 to 6; half a position is lost to bilinear weights
    assert seen_by(geometry, 2, 77, 5) == (0, 6)


def test_border_windows_see_the_opposite_edge_unless_it_is_masked() -> None:
    """In the far corner a disturbance of the target reaches the first window by the wrap-around only."""
    for masked in (False, True):
        geometry = Geometry(target=Pooling(1, 1), mask_border=masked)
        made = layer(geometry)
        target, *references = maps(geometry, 28, 28)
        other = target.clone()
        other[0, -1, -1] = torch.randn(DIM)
        change = (made(other, references) - made(target, references))[0, :7, :7].abs().max()
        assert (change > 1e-6) != masked


def test_masked_padding_is_no_key() -> None:
    """A map whose sides are no multiples of 7 never sees its padding."""
    geometry = Geometry(mask_border=True)
    places = tables(geometry, 9, 8, torch.device("cpu"))
    padding = 9 * 8
    assert (places.queries == padding).any()
    assert not (places.keys == padding).any()
    assert (tables(Geometry(), 9, 8, torch.device("cpu")).keys == padding).any()


def test_every_window_sees_itself_and_every_position_comes_back() -> None:
    for geometry in (Geometry(), Geometry(centred=True, mask_border=True)):
        places = tables(geometry, 14, 20, torch.device("cpu"))
        own = places.keys[:, :49]
        seen = own != places.nothing
        assert (own == places.queries)[seen].all()
        assert (places.queries.flatten()[places.back] == torch.arange(14 * 20)).all()


def test_centred_regions_use_every_pooled_cell() -> None:
    places = tables(Geometry(centred=True), 14, 21, torch.device("cpu"))
    cells = 6 * (1 + 1 + 4 + 9)
    assert set(range(places.nothing + 1, places.nothing + 1 + cells)) <= set(places.keys.flatten().tolist())


def test_batches_and_gradients() -> None:
    geometry = Geometry(references=(COARSE, MIDDLE, FINE))
    made = layer(geometry)
    target, *references = maps(geometry, 9, 10, batch=2)
    together = made(target, references)
    for b in range(2):
        alone = made(target[b : b + 1], [r[b : b + 1] for r in references])
        torch.testing.assert_close(together[b : b + 1], alone, atol=1e-5, rtol=1e-5)
    together.square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in made.parameters())


def test_training_after_inference_on_maps_of_one_size() -> None:
    geometry = Geometry(expand=2)  # of no other test: its tables are made here
    made = layer(geometry)
    target, *references = maps(geometry, 8, 9)
    with torch.inference_mode():
        expected = made(target, references)
    trained = made(target, references)
    trained.sum().backward()
    torch.testing.assert_close(trained.detach(), expected.clone(), atol=1e-5, rtol=1e-5)
