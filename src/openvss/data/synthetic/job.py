"""One tree to be made: where, how much of it, and the rendered frames it is filled with."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from openvss.data.synthetic.casts import Cast
from openvss.data.synthetic.disturbance import Disturbance
from openvss.data.synthetic.scenes import Scene
from openvss.errors import InputError
from openvss.video.pixels import Pixels

ClassIds = npt.NDArray[np.int32]
UNDISTURBED = Disturbance()
SMALLEST, LARGEST = 32, 4096  # what every model takes


@dataclass(frozen=True)
class RenderOptions:
    """How much is made; the defaults give a tree of less than 200 KB that every metric can be tried on.

    Attributes:
        videos: In each split of a layout of videos.
        frames: In each video; the temporal metrics need more than 16.
        images: In each split of a layout of images.
        size: Width and height.
        raw: Whether to leave out the prepared labels, so that there is something for `openvss data prepare`.
        disturbance: What is wrong with single frames.
    """

    videos: int = 1
    frames: int = 17
    images: int = 6
    size: tuple[int, int] = (96, 64)
    raw: bool = False
    disturbance: Disturbance = UNDISTURBED

    def __post_init__(self) -> None:
        for name in ("videos", "frames", "images"):
            if getattr(self, name) < 1:
                raise InputError(f"The number of {name} must be at least 1, not {getattr(self, name)}.")
        if not SMALLEST <= min(self.size) <= max(self.size) <= LARGEST:
            width, height = self.size
            raise InputError(
                f"Frames must be from {SMALLEST} to {LARGEST} pixels wide and high, not {width}x{height}."
            )


@dataclass(frozen=True)
class Job:
    """What a layout's writer is given.

    Attributes:
        root: The folder to fill.
        seed: Of all chance.
        options: How much is made.
    """

    root: Path
    seed: int
    options: RenderOptions

    def video(self, cast: Cast, number: int, n_frames: int) -> Iterator[tuple[Pixels, ClassIds]]:
        """The frames of scene `number`: pixels, and the class id of each."""
        sky, ground, objects = cast.scene(number)
        scene = Scene.draw(sky.look, ground.look, [o.look for o in objects], self._chance("scene", number))
        ids = np.array([part.id for part in (sky, ground, *objects)], np.int32)
        for t in range(n_frames):
            pixels, things = scene.render(t, self.options.size)
            yield self.options.disturbance.apply(pixels, self._chance("frame", number, t)), ids[things]

    def image(self, cast: Cast, number: int) -> tuple[Pixels, ClassIds]:
        """The first frame of scene `number`."""
        return next(self.video(cast, number, 1))

    def images(self, cast: Cast, splits: Sequence[str]) -> Iterator[tuple[str, int, Pixels, ClassIds]]:
        """The images of each split: its name, their number in it, pixels and class ids."""
        for split_number, split in enumerate(splits):
            for i in range(self.options.images):
                yield split, i, *self.image(cast, split_number * self.options.images + i)

    def _chance(self, *what: object) -> random.Random:
        return random.Random(f"{self.seed} {what}")


def raw_ids(classes: Sequence[int], void: int, also_void: int | None = None) -> ClassIds:
    """The table from class ids to a layout's raw ids, to be indexed with `VOID` and `ALSO_VOID` as well."""
    # Those are -1 and -2, which numpy counts from the end.
    return np.array([*classes, void if also_void is None else also_void, void], np.int32)
