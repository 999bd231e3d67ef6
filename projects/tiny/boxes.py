"""A picture of a scene made of boxes, pixel by pixel: the nearest box that a pixel's ray meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from projects.tiny.camera import Camera
from projects.tiny.data import IGNORE, Floats, Ids
from projects.tiny.textures import Mask, Paint

Point = tuple[float, float, float]  # metres to the right of the camera, above the ground, ahead
TOUCHING = 0.05  # metres
SIDEWAYS, UPWARDS, AHEAD = range(3)  # axes of points


@dataclass(frozen=True)
class Box:
    """A thing or a part of one, with sides along the axes.

    Attributes:
        name: Its word.
        low: Its corner on the left, below, in front.
        high: The opposite one.
        paint: Of its upright sides, by metres along and above its lower edge.
        flat: Of its top and bottom, by metres to the right and ahead; like the sides if there is none.
    """

    name: str
    low: Point
    high: Point
    paint: Paint
    flat: Paint | None = None


class Scene:
    """What a camera sees.

    Args:
        camera: Whose rays are followed.
        light: Of faces across each axis, as a factor.
        id_of: Our id of a word.

    Attributes:
        pixels: RGB in 0..1 (size, size, 3).
        ids: (size, size).
        depth: Along the camera's axis, in metres (size, size).
    """

    def __init__(self, camera: Camera, light: Point, id_of: Callable[[str], int]) -> None:
        self._light, self._id_of = light, id_of
        x, y, z = camera.rays()
        self._rays = np.stack([x, -y, z])
        slow = np.where(abs(self._rays) < 1e-6, np.float32(1e-6), self._rays)
        self._slowness: Floats = np.reciprocal(slow, dtype=np.float32)
        self._eye: Floats = np.array([0, camera.height, 0], np.float32)
        size = camera.size
        self.pixels = np.zeros((size, size, 3), np.float32)
        self.ids: Ids = np.full((size, size), IGNORE, np.uint8)
        self.depth: Floats = np.full((size, size), np.inf, np.float32)

    def stand_in(self, low: Point, high: Point, surfaces: dict[tuple[int, bool], tuple[str, Paint]]) -> None:
        """A room round the camera: word and paint for each axis and whether it is the higher face."""
        far = np.maximum(*self._times(low, high))
        across = far.argmin(0)
        self.depth = far.min(0)
        for (axis, higher), (name, paint) in surfaces.items():
            seen = (across == axis) & ((self._rays[axis] > 0) == higher)
            self._show(seen, self.depth, axis, name, paint, low)
        corner = np.partition(far, 1, axis=0)[1] / self.depth - 1  # 0 where two faces meet
        self.pixels *= (1 - 0.25 * np.exp(-corner / 0.05))[..., None]

    def put(self, box: Box) -> None:
        """A box, where nothing nearer is."""
        times = self._times(box.low, box.high)
        near, far = np.minimum(*times), np.maximum(*times)
        entered, left = near.max(0), far.min(0)
        seen = (entered < left) & (entered > 0) & (entered < self.depth)
        if not seen.any():
            return
        self.depth[seen] = entered[seen]
        across = near.argmax(0)
        for axis in range(3):
            paint = box.flat if axis == UPWARDS and box.flat else box.paint
            self._show(seen & (across == axis), entered, axis, box.name, paint, box.low)

    def behind(self, ahead: float, corner: tuple[int, int], size: tuple[int, int]) -> Floats:
        """1 where all is farther ahead than that, in a part (height, width) of the picture.

        Args:
            ahead: In metres.
            corner: Column and row of the part's upper left corner.
            size: Its width and height.
        """
        rows, columns = (
            np.arange(first, first + count) for first, count in zip(corner[::-1], size[::-1], strict=True)
        )
        inside = np.ix_(rows.clip(0, len(self.depth) - 1), columns.clip(0, len(self.depth) - 1))
        return (self.depth[inside] * self._rays[AHEAD][inside] > ahead - TOUCHING).astype(np.float32)

    def _times(self, low: Point, high: Point) -> tuple[Floats, Floats]:
        """How far along its ray each pixel meets the planes of the faces, (3, size, size) each."""
        first, second = ((np.array(at, np.float32) - self._eye)[:, None, None] for at in (low, high))
        return first * self._slowness, second * self._slowness

    def _show(self, seen: Mask, at: Floats, axis: int, name: str, paint: Paint, low: Point) -> None:
        if not seen.any():
            return
        right, up, ahead = (
            at[seen] * self._rays[i][seen] + self._eye[i] - np.float32(low[i]) for i in range(3)
        )
        along, across = {SIDEWAYS: (ahead, up), UPWARDS: (right, ahead), AHEAD: (right, up)}[axis]
        self.pixels[seen] = paint(along, across) * np.float32(self._light[axis])
        self.ids[seen] = self._id_of(name)
