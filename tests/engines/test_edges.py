"""Scores read along the edges of the frame."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.engines.edges import COLOUR, REACH, SPACE, UNLIKE, reading_places
from openvss.engines.labelling import label_pixels


def naive_places(image: Tensor, h: int, w: int) -> Tensor:
    height, width = image.shape[-2:]
    cells = F.adaptive_avg_pool2d(image, (h, w))[0]
    out = torch.empty(height, width, 2)
    for i in range(height):
        for j in range(width):
            y, x = (i + 0.5) * h / height - 0.5, (j + 0.5) * w / width - 0.5
            total = at_y = at_x = 0.0
            for cy in range(round(y) - REACH, round(y) + REACH + 1):
                for cx in range(round(x) - REACH, round(x) + REACH + 1):
                    if 0 <= cy < h and 0 <= cx < w:
                        unlike = float((image[0, :, i, j] - cells[:, cy, cx]).square().sum()) / (
                            2 * COLOUR**2
                        )
                        far = ((cy - y) ** 2 + (cx - x) ** 2) / (2 * SPACE**2)
                        weight = math.exp(-min(unlike, UNLIKE) - far)
                        total, at_y, at_x = total + weight, at_y + weight * cy, at_x + weight * cx
            out[i, j] = torch.tensor([(at_x / total + 0.5) * 2 / w - 1, (at_y / total + 0.5) * 2 / h - 1])
    return out[None]


@pytest.mark.parametrize(("size", "cells"), [((20, 28), (5, 7)), ((16, 25), (8, 5)), ((6, 6), (1, 2))])
def test_equals_a_loop_over_pixels_and_cells(size: tuple[int, int], cells: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(reading_places(image, cells), naive_places(image, *cells), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("size", "cells", "near"), [((17, 23), (4, 5), (16, 25)), ((3, 9), (8, 9), (8, 9))])
def test_an_image_that_cells_do_not_divide_is_resized(
    size: tuple[int, int], cells: tuple[int, int], near: tuple[int, int]
) -> None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    resized = F.interpolate(image, near, mode="bilinear", antialias=True)
    places = reading_places(image, cells)
    assert places.shape == (1, *near, 2)
    torch.testing.assert_close(places, naive_places(resized, *cells), atol=1e-5, rtol=0)


def test_labels_follow_an_edge_that_the_grid_misses() -> None:
    """Two colours that meet in the middle of a cell: plain upsampling is off by pixels, this is not."""
    edge, width = 52, 96  # cells of 8 pixels: the edge lies inside the seventh
    image = torch.full((1, 3, 64, width), 0.2)
    image[..., edge:] = 0.8
    truth = (torch.arange(width) >= edge).long().expand(64, width).numpy()
    share = (
        F.adaptive_avg_pool2d(image[:, :1], (8, 12))[0, 0].sub(0.2).div(0.6)
    )  # of the right side in a cell
    logits = torch.stack([1 - share, share - 0.2]) * 8
    plain, _ = label_pixels(logits, (64, width))
    sharp, _ = label_pixels(logits, (64, width), places=reading_places(image, (8, 12)))
    assert (sharp != truth).mean() < (plain != truth).mean()
    assert (sharp != truth).mean() < 0.02


def test_any_number_of_words_is_read_at_the_same_places() -> None:
    generator = torch.Generator().manual_seed(1)
    image, logits = torch.rand(1, 3, 40, 56, generator=generator), torch.randn(5, 5, 7, generator=generator)
    places = reading_places(image, (5, 7))
    few, _ = label_pixels(logits, (40, 56), places=places)
    low = torch.full((200, 5, 7), -50.0)
    many, _ = label_pixels(torch.cat([logits, low]), (40, 56), places=places)
    assert (few == many).all()
