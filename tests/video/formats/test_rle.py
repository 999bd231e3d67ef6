from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from openvss.video.formats.coco import regions
from openvss.video.formats.rle import encode, run_lengths


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    words=st.integers(1, 5),
    seed=st.integers(0, 2**16),
)
def test_regions_agree_with_pycocotools(height: int, width: int, words: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, words + 1, (height, width)).astype(np.uint8)
    labels[labels == words] = 255
    found = regions(labels, 255)
    assert [region.label for region in found] == [int(i) for i in np.unique(labels) if i != 255]
    for region in found:
        binary = np.asfortranarray(labels == region.label, dtype=np.uint8)
        reference = coco_mask.encode(binary)
        assert encode(run_lengths(region)) == reference["counts"].decode()
        assert region.area == coco_mask.area(reference)
        assert region.bbox == coco_mask.toBbox(reference).tolist()


def test_long_runs_are_encoded_like_pycocotools_does() -> None:
    labels = np.zeros((1500, 1400), dtype=np.uint16)
    labels[3:900, 40:1300] = 300
    labels[700:705] = 65535
    for region in regions(labels, 65535):
        binary = np.asfortranarray(labels == region.label, dtype=np.uint8)
        assert encode(run_lengths(region)) == coco_mask.encode(binary)["counts"].decode()


@pytest.mark.parametrize("value", [0, 255])
def test_a_frame_of_one_kind(value: int) -> None:
    found = regions(np.full((5, 7), value, dtype=np.uint8), 255)
    assert [(r.area, r.bbox) for r in found] == ([] if value == 255 else [(35, [0, 0, 7, 5])])
