"""Labels in strips against upsampling everything at once."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from openvss import labelling
from openvss.labelling import label_pixels


@pytest.mark.parametrize(
    ("n", "h", "w", "height", "width"),
    [(3, 5, 7, 37, 50), (1, 4, 4, 32, 32), (12, 9, 4, 9, 4), (4, 10, 12, 7, 5)],
)
@pytest.mark.parametrize("strip", [1, 500, 1 << 22])
def test_strips_equal_the_whole(
    n: int, h: int, w: int, height: int, width: int, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "STRIP", strip)
    logits = torch.randn(n, h, w, generator=torch.Generator().manual_seed(n)) * 3
    labels, confidence = label_pixels(logits, (height, width))
    full = F.interpolate(logits[None], (height, width), mode="bilinear")[0].softmax(0)
    best, ids = full.max(0)
    np.testing.assert_allclose(confidence, best.numpy(), atol=1e-5)
    assert (labels == ids.numpy()).mean() > 0.995  # a tie may fall either way
    picked = full.gather(0, torch.from_numpy(labels.astype(np.int64))[None])[0]
    torch.testing.assert_close(picked, best, atol=1e-5, rtol=0)


def test_uncertain_pixels_are_unlabelled() -> None:
    logits = torch.zeros(2, 1, 2)
    logits[0, 0, 0] = 10.0
    labels, confidence = label_pixels(logits, (1, 2), unlabelled_below=0.9)
    assert labels.tolist() == [[0, 255]]
    assert confidence[0, 1] == 0.5


def test_many_words_use_16_bits() -> None:
    logits = torch.zeros(300, 2, 2)
    logits[299] = 5.0
    labels, _ = label_pixels(logits, (4, 4))
    assert labels.dtype == np.uint16
    assert (labels == 299).all()
    assert (label_pixels(logits, (4, 4), unlabelled_below=0.99)[0] == 65535).all()


def test_memory_is_bounded_by_the_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    lerp = torch.lerp

    def watched(start: torch.Tensor, end: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        sizes.append(start.numel())
        return lerp(start, end, weight)

    monkeypatch.setattr(torch, "lerp", watched)
    label_pixels(torch.randn(300, 12, 20), (1080, 1920))
    assert max(sizes) <= labelling.STRIP
