"""`annotations.json`: COCO annotations, one per word and frame, with COCO's compressed run lengths."""

from __future__ import annotations

import numpy as np

from openvss.video.formats.coco import CocoFile, Ints, Region, category_id, image_entry, regions
from openvss.video.formats.contract import Labelled, OutputPlan

PRODUCT = "annotations.json"
GROUPS = 7  # of 5 bits: enough for run lengths of 34 bits with sign


class RleWriter:
    """Streams COCO annotations to disk."""

    def __init__(self, plan: OutputPlan) -> None:
        self._file = CocoFile(plan.folder / PRODUCT, plan.classes)
        self._written = 0

    def add(self, item: Labelled) -> None:
        """Take the next frame."""
        found = regions(item.labels.labels, item.labels.unlabelled)
        annotations = [self._annotation(item.frame.index, region) for region in found]
        self._file.add(image_entry(item), annotations)

    def finish(self) -> None:
        """Complete the file."""
        self._file.finish()

    def abandon(self) -> None:
        """Close the file as it is."""
        self._file.abandon()

    def _annotation(self, index: int, region: Region) -> dict[str, object]:
        self._written += 1  # from 1: pycocotools takes an annotation of id 0 for none
        return {
            "id": self._written,
            "image_id": index,
            "category_id": category_id(region.label),
            "segmentation": {"size": list(region.shape), "counts": encode(run_lengths(region))},
            "area": region.area,
            "bbox": region.bbox,
            "iscrowd": 0,
        }


def run_lengths(region: Region) -> Ints:
    """Lengths of the runs outside and inside the region in turn, beginning outside, down the columns."""
    height, width = region.shape
    edges = np.stack([region.starts, region.ends], axis=1).ravel()
    if edges[-1] != height * width:
        edges = np.append(edges, height * width)
    return np.diff(edges, prepend=0)


def encode(counts: Ints) -> str:
    """COCO's compressed form of run lengths.

    From the fourth on, a length is given as its difference from the one two before. Each number is cut into
    groups of five bits, lowest first, written as characters from "0" on; 32 is added where one more follows.
    """
    values = counts.copy()
    values[3:] -= counts[1:-2]
    shifts = 5 * np.arange(GROUPS)
    groups = (values[:, None] >> shifts) & 31
    rest = values[:, None] >> (shifts + 5)
    # A number ends with the group whose top bit tells the sign of all that is left.
    ends = rest == np.where(groups & 16, -1, 0)
    last = np.argmax(ends, axis=1)
    position = np.arange(GROUPS)
    characters = groups + np.where(position < last[:, None], 32, 0) + 48
    text: bytes = characters[position <= last[:, None]].astype(np.uint8).tobytes()
    return text.decode("ascii")
