"""Small rendered data sets with exact labels, in the layout on disk of every data set that can be read.

`make("vspw", root)` needs no download, takes a second, and gives the same bytes for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from openvss.data.synthetic import folder_layouts, image_layouts, video_layouts
from openvss.data.synthetic.disturbance import Disturbance
from openvss.data.synthetic.job import Job, RenderOptions
from openvss.errors import InputError, OutputError

__all__ = ["LAYOUTS", "Disturbance", "RenderOptions", "make"]

LAYOUTS: dict[str, Callable[[Job], None]] = {
    "vspw": video_layouts.write_vspw,
    "cityscapes": video_layouts.write_cityscapes,
    "camvid": video_layouts.write_camvid,
    "coco-stuff": image_layouts.write_coco_stuff,
    "ade150": image_layouts.write_ade150,
    "ade847": image_layouts.write_ade847,
    "pc59": image_layouts.write_pc59,
    "pc459": image_layouts.write_pc459,
    "voc20": image_layouts.write_voc,
    "voc20b": image_layouts.write_voc,
    "folder": folder_layouts.write_videos,
    "folder-images": folder_layouts.write_images,
    "folder-objects": folder_layouts.write_objects,
}
DEFAULTS = RenderOptions()


def make(layout: str, root: Path, seed: int = 0, options: RenderOptions = DEFAULTS) -> None:
    """Fill a new or empty folder.

    Args:
        layout: One of `LAYOUTS`.
        root: What `NAME:ROOT` takes as ROOT afterwards.
        seed: The same seed and options give the same bytes.
        options: How much is made.
    """
    if layout not in LAYOUTS:
        raise InputError(f"There is no layout {layout!r}: choose one of {', '.join(LAYOUTS)}.")
    try:
        root.mkdir(parents=True, exist_ok=True)
        if any(root.iterdir()):
            raise InputError(f"The folder {root} is not empty: name a new one.")
        LAYOUTS[layout](Job(root, seed, options))
    except FileExistsError as error:
        raise InputError(f"{root} is a file: name a new folder.") from error
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"The folder {root} could not be filled ({reason}): choose another.") from error
