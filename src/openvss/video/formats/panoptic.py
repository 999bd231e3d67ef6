"""COCO panoptic: `panoptic/*.png` whose colours are segment ids, and `panoptic.json` that says what they are.

The segments are semantic: one per word and frame. A segment's id is its category's; 0 is unlabelled.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from openvss.video.formats.coco import CocoFile, category_id, image_entry, regions
from openvss.video.formats.contract import Labelled, OutputPlan, frame_name
from openvss.video.formats.masks import COMPRESSION

PRODUCTS = ("panoptic", "panoptic.json")


class PanopticWriter:
    """Writes the pictures and streams the JSON."""

    def __init__(self, plan: OutputPlan) -> None:
        self._pictures = plan.folder / PRODUCTS[0]
        self._pictures.mkdir()
        self._file = CocoFile(plan.folder / PRODUCTS[1], plan.classes)
        ids = np.append(category_id(0) + np.arange(len(plan.classes)), 0)
        red, green, blue = ids & 255, ids >> 8, ids >> 16
        self._rgb = np.stack([red, green, blue], axis=1).astype(np.uint8)

    def add(self, item: Labelled) -> None:
        """Take the next frame."""
        labels = item.labels.labels
        name = frame_name(item.frame.index)
        picture = np.take(self._rgb, labels, axis=0, mode="clip")  # "unlabelled" is clipped to the last row
        Image.fromarray(picture).save(self._pictures / name, compress_level=COMPRESSION)
        segments = [
            {
                "id": category_id(region.label),
                "category_id": category_id(region.label),
                "area": region.area,
                "bbox": region.bbox,
                "iscrowd": 0,
            }
            for region in regions(labels, item.labels.unlabelled)
        ]
        entry = {"image_id": item.frame.index, "file_name": name, "segments_info": segments}
        self._file.add(image_entry(item), [entry])

    def finish(self) -> None:
        """Complete the JSON file."""
        self._file.finish()

    def abandon(self) -> None:
        """Close the JSON file as it is."""
        self._file.abandon()
