"""Labels found tile by tile against reading everything at once."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.pretend import PretendDevice
from openvss.engines import labelling
from openvss.engines.edges import own_places, reading_places
from openvss.engines.labelling import label_pixels


def wavy(n: int, h: int, w: int, sharpness: float = 3) -> Tensor:
    return torch.randn(n, h, w, generator=torch.Generator().manual_seed(n)) * sharpness


def assert_best(labels: np.ndarray, confidence: np.ndarray, full: Tensor) -> None:
    """`full`: (N, H, W) log-probabilities. A tie may fall either way."""
    best, ids = full.max(0)
    np.testing.assert_allclose(confidence, best.exp().numpy(), atol=1e-5)
    assert (labels == ids.numpy()).mean() > 0.995
    picked = full.gather(0, torch.from_numpy(labels.astype(np.int64))[None])[0]
    torch.testing.assert_close(picked, best, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("n", "h", "w", "height", "width"),
    [(3, 5, 7, 37, 50), (1, 4, 4, 32, 32), (12, 9, 4, 9, 4), (4, 10, 12, 7, 5), (300, 6, 9, 47, 70)],
)
@pytest.mark.parametrize("tile", [1, 7, 96])
def test_tiles_equal_the_whole(
    n: int, h: int, w: int, height: int, width: int, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "TILE", tile)
    logits = wavy(n, h, w)
    full = F.interpolate(logits.log_softmax(0)[None], (height, width), mode="bilinear")[0]
    assert_best(*label_pixels(logits, (height, width)), full)


@pytest.mark.parametrize("tile", [5, 96])
def test_tiles_equal_the_whole_along_edges(tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelling, "TILE", tile)
    logits = wavy(40, 6, 9)
    image = torch.rand(1, 3, 24, 36, generator=torch.Generator().manual_seed(0))
    places = reading_places(image, (6, 9))
    grid = F.interpolate(places.permute(0, 3, 1, 2), (48, 72), mode="bilinear").permute(0, 2, 3, 1)
    scores = logits.log_softmax(0)[None]
    full = F.grid_sample(scores, grid, padding_mode="border", align_corners=False)[0]
    assert_best(*label_pixels(logits, (48, 72), places=places), full)


def one_by_one(logits: Tensor, size: tuple[int, int], grid: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Every tile by itself, from its own bounds to its own labels."""
    n, rows, columns = logits.shape
    scores = logits.log_softmax(0)
    padded = F.pad(scores[None], (1, 1, 1, 1), mode="replicate")[0]
    corners = torch.stack([padded[:, :-1, :-1], padded[:, :-1, 1:], padded[:, 1:, :-1], padded[:, 1:, 1:]])
    viable = corners.amax(0) >= corners.amin(0).amax(0)
    labels, confidence = np.empty(size, np.uint8 if n < 255 else np.uint16), np.empty(size, np.float32)
    for top in range(0, size[0], labelling.TILE):
        for left in range(0, size[1], labelling.TILE):
            tile = slice(top, top + labelling.TILE), slice(left, left + labelling.TILE)
            part = grid[:, tile[0], tile[1]]
            spans = []
            for axis, cells in ((1, rows), (0, columns)):
                low, high = ((float(x) + 1) / 2 * cells + 0.5 for x in part[..., axis].aminmax())
                spans.append(slice(max(int(low - 1e-3), 0), min(int(high + 1e-3) + 1, cells + 1)))
            words = viable[:, spans[0], spans[1]].flatten(1).any(1).nonzero()[:, 0]
            read = F.grid_sample(scores[words][None], part, padding_mode="border", align_corners=False)[0]
            best, ids = read.max(0)
            labels[tile], confidence[tile] = words[ids].numpy(), best.exp().numpy()
    return labels, confidence


@pytest.mark.parametrize(("n", "size"), [(2, (96, 96)), (40, (100, 211)), (300, (193, 150)), (5, (40, 30))])
@pytest.mark.parametrize("along_edges", [False, True])
def test_the_very_numbers_of_tiles_by_themselves(n: int, size: tuple[int, int], along_edges: bool) -> None:
    logits = F.interpolate(wavy(n, 3, 4)[None], (12, 16), mode="bilinear")[0] + wavy(n, 12, 16, 0.1)
    logits[:, :, 9:] = logits[:, :, 9:].round()  # ties
    places = None
    grid = own_places(size, (12, 16), torch.device("cpu"))
    if along_edges:
        image = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
        places = reading_places(image, (12, 16))
        grid = F.interpolate(places.permute(0, 3, 1, 2), size, mode="bilinear").permute(0, 2, 3, 1)
    labels, confidence = label_pixels(logits, size, places=places)
    expected, certain = one_by_one(logits, size, grid)
    assert labels.dtype == expected.dtype
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(confidence, certain)


@pytest.mark.parametrize("n", [20, 300])
def test_an_accelerator_is_waited_for_three_times_whatever_the_size(n: int) -> None:
    logits = wavy(n, 12, 16)
    expected = label_pixels(logits, (500, 300))
    with PretendDevice() as device:
        there = logits.to(device.name)
        device.waits.clear()
        found = label_pixels(there, (500, 300))
    assert device.waits.total() == 3
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-6)


def test_confidence_is_the_probability_where_a_pixel_is_a_cell() -> None:
    logits = wavy(5, 8, 8)
    _, confidence = label_pixels(logits, (8, 8))
    np.testing.assert_allclose(confidence, logits.softmax(0).amax(0).numpy(), atol=1e-6)


def test_uncertain_pixels_are_unlabelled() -> None:
    logits = torch.zeros(2, 1, 2)
    logits[0, 0, 0] = 10.0
    labels, confidence = label_pixels(logits, (1, 2), unlabelled_below=0.9)
    assert labels.tolist() == [[0, 255]]
    assert confidence[0, 1] == pytest.approx(0.5)


def test_many_words_use_16_bits() -> None:
    logits = torch.zeros(300, 2, 2)
    logits[299] = 5.0
    labels, _ = label_pixels(logits, (4, 4))
    assert labels.dtype == np.uint16
    assert (labels == 299).all()
    assert (label_pixels(logits, (4, 4), unlabelled_below=0.99)[0] == 65535).all()


def test_what_is_read_at_once_is_a_tile_of_few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    sample = F.grid_sample

    def watched(scores: Tensor, grid: Tensor, **how: object) -> Tensor:
        sizes.append(scores.shape[1] * grid.shape[1] * grid.shape[2])
        return sample(scores, grid, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(F, "grid_sample", watched)
    smooth = F.interpolate(wavy(300, 3, 5)[None], (12, 20), mode="bilinear")[0]  # as those of models are
    label_pixels(smooth, (1080, 1920))
    assert max(sizes) <= 300 * labelling.TILE**2
    assert np.mean(sizes) < 100 * labelling.TILE**2  # most words are out of the question in most tiles
