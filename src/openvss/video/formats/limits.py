"""What frames an encoder takes, asked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import av
from av.error import FFmpegError

from openvss.errors import InputError


def require_size(
    name: str, codec: str, pixels: str, size: tuple[int, int], options: Mapping[str, str]
) -> None:
    """InputError if the encoder of format `name` refuses frames of this width and height."""
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.time_base, encoder.options = pixels, Fraction(1, 1000), dict(options)
    try:
        encoder.open()
    except FFmpegError as error:
        raise InputError(
            f"The format {name} cannot have frames of {size[0]}x{size[1]}: leave it out of --format."
        ) from error
