"""Where the points of a scene are in a picture of it, and the other way round."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from projects.tiny.data import Floats

NEAREST = 0.6  # metres before the camera that can be drawn


@dataclass(frozen=True)
class Camera:
    """A pinhole above the point (0, 0) of the ground; x points to the right, y down, z ahead.

    Attributes:
        size: Of the square picture, in pixels.
        focal: In pixels.
        height: In metres.
        yaw: To the right, in radians.
        pitch: Down, in radians.
    """

    size: int
    focal: float
    height: float
    yaw: float
    pitch: float

    def rays(self) -> tuple[Floats, Floats, Floats]:
        """Directions (size, size) in which the pixels look."""
        middle = (np.arange(self.size) + 0.5 - self.size / 2) / self.focal
        x, y = np.meshgrid(middle, middle)
        sin, cos = math.sin(self.pitch), math.cos(self.pitch)
        y, z = cos * y + sin, cos - sin * y
        sin, cos = math.sin(self.yaw), math.cos(self.yaw)
        x, z = cos * x + sin * z, cos * z - sin * x
        return x.astype(np.float32), y.astype(np.float32), z.astype(np.float32)

    def see(self, x: float, z: float, up: float = 0) -> tuple[float, float, float] | None:
        """Column and row of a point above the ground, and pixels of a metre there; none if it is too near."""
        y, sin, cos = self.height - up, math.sin(self.yaw), math.cos(self.yaw)
        x, z = cos * x - sin * z, cos * z + sin * x
        sin, cos = math.sin(self.pitch), math.cos(self.pitch)
        y, z = cos * y - sin * z, cos * z + sin * y
        if z < NEAREST:
            return None
        return self.size / 2 + self.focal * x / z, self.size / 2 + self.focal * y / z, self.focal / z
