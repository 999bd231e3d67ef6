"""Frames that are made by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from openvss.errors import InputError
from openvss.video.frame import Frame


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 6, 3)), np.zeros((4, 6), np.uint8), np.zeros((4, 6, 4), np.uint8)]
)
def test_pixels_of_another_form_are_refused(pixels: Any) -> None:
    with pytest.raises(
        InputError, match=r"uint8 of shape \(H, W, 3\), not .* of \(4, 6.*: convert them, or give"
    ):
        Frame(0, Fraction(0), pixels)
