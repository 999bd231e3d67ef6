"""Shared by the tests of targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openvss.training.targets.teacher import UnlabelledPicture


@pytest.fixture
def pictures(tmp_path: Path) -> list[UnlabelledPicture]:
    found = []
    for i in range(4):
        pixels = np.zeros((6, 8, 3), np.uint8)
        pixels[:, :4, i % 3] = 255
        path = tmp_path / f"{i}.png"
        Image.fromarray(pixels).save(path)
        found.append(UnlabelledPicture(f"picture {i}", path))
    return found
