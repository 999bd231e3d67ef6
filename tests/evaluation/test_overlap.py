from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openvss.data.base import Dataset, Ids
from openvss.data.catalogue import open_dataset
from openvss.data.make import make
from openvss.data.synthetic.job import RenderOptions
from openvss.errors import InputError
from openvss.evaluation.overlap import overlap
from tests.evaluation.sets import write_set


def masks(dataset: Dataset) -> list[list[Ids | None]]:
    """Of each video, by frame."""
    return [[None if x is None else dataset.read_label(x) for x in clip.labels] for clip in dataset.clips]


def naive(videos: list[list[Ids | None]], gap: int, ignore: int) -> tuple[int, float, float]:
    """Pairs, mIoU and share of kept labels, with all pixels of all pairs in one long row."""
    pairs = [
        (a, b)
        for video in videos
        for a, b in zip(video, video[gap:], strict=False)
        if a is not None and b is not None
    ]
    before = np.concatenate([a.ravel() for a, _ in pairs])
    after = np.concatenate([b.ravel() for _, b in pairs])
    counted = (before != ignore) & (after != ignore)
    before, after = before[counted], after[counted]
    ious = [
        np.sum((before == c) & (after == c)) / np.sum((before == c) | (after == c)) for c in np.unique(before)
    ]
    return len(pairs), float(np.mean(ious)), float(np.mean(before == after))


@pytest.mark.parametrize("gap", [1, 2, 6])
def test_as_counted_naively(tmp_path: Path, gap: int) -> None:
    dataset = open_dataset(f"folder:{write_set(tmp_path / 'set', (18, 3, 9), labelled=lambda i: i != 4)}")
    found = overlap(dataset, gap)
    pairs, miou, kept = naive(masks(dataset), gap, dataset.ignore)
    assert found.pairs == pairs
    assert found.miou == pytest.approx(miou, abs=1e-12)
    assert found.kept == pytest.approx(kept, abs=1e-12)
    assert 0 < miou < 1


def test_masks_that_stay_overlap_wholly_but_for_what_is_ignored(tmp_path: Path) -> None:
    """`write_set` moves its regions every sixth frame, and ignores other pixels in each."""
    found = overlap(open_dataset(f"folder:{write_set(tmp_path / 'set', (6,))}"))
    assert (found.pairs, found.miou, found.kept) == (5, 1.0, 1.0)


def test_a_set_of_vspw(tmp_path: Path) -> None:
    make("vspw", tmp_path / "set", 0, RenderOptions(videos=2, frames=5))
    dataset = open_dataset(f"vspw:{tmp_path / 'set'}", "val")
    told: list[tuple[int, int]] = []
    found = overlap(dataset, on_progress=lambda done, total: told.append((done, total)))
    assert (found.pairs, found.miou, found.kept) == pytest.approx(naive(masks(dataset), 1, dataset.ignore))
    assert found.pairs == 2 * 4
    assert told == [(1, 2), (2, 2)]
    assert overlap(dataset, gap=4).kept < found.kept < 1


def test_labels_without_neighbours_are_an_error_and_are_not_read(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", (9,), labelled=lambda i: i % 3 == 0)
    dataset = open_dataset(f"folder:{root}")
    assert overlap(dataset, gap=3).pairs == 2
    for mask in root.glob("data/*/mask/*.png"):
        mask.write_bytes(b"damaged")
    with pytest.raises(InputError, match="has labels for consecutive frames: choose another split or --gap"):
        overlap(dataset)
    with pytest.raises(InputError, match="has labels for frames 20 apart"):
        overlap(dataset, gap=20)


def test_sizes_that_change_are_an_error(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", (3,))
    Image.new("L", (32, 23)).save(root / "data" / "v0" / "mask" / "0001.png")
    with pytest.raises(InputError, match=r"0001\.png differs in size"):
        overlap(open_dataset(f"folder:{root}"))
