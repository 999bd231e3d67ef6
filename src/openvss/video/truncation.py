"""Whether a video file ends before its container says it should.

FFmpeg reads a file that was cut short to its end without an error. MP4, MOV, Matroska, WebM and AVI state the
size of their parts, so a part that reaches beyond the end of the file proves the cut; files without such
statements (MPEG-TS, FLV, GIF, raw streams, live recordings of unknown size) are taken as they are.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from av.video.stream import VideoStream

ISO_FIRST = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp"}
# Some healthy files end in stray bytes that look like a box; only these carry the video.
ISO_VITAL = {b"moov", b"moof", b"mdat"}
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
UNKNOWN_RIFF_SIZES = (0, 0xFFFFFFFF)


def is_cut_short(path: Path) -> bool:
    """Whether some part of the file, by its own header, reaches beyond the end of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[4:8] in ISO_FIRST:
            return _iso_end(file, size) > size
        if head.startswith(EBML):
            return _matroska_end(file) > size
        if head.startswith(b"RIFF"):
            return _riff_end(file, size) > size
    return False


def promised_end(stream: VideoStream) -> Fraction | None:
    """The time at which a Matroska or WebM track ends by its own tag, where there is one."""
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if match is None or "matroska" not in stream.container.format.name:
        return None
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def _iso_end(file: BinaryIO, size: int) -> int:
    """Where the last vital box of an MP4 or MOV file ends."""
    start = end = 0
    while start + 8 <= size:
        file.seek(start)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4]), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16])
        if length < 8:  # 0 means "to the end of the file"; the rest is not a box
            break
        start += length
        if kind in ISO_VITAL:
            end = start
    return end


def _matroska_end(file: BinaryIO) -> int:
    """Where the Segment of a Matroska or WebM file ends; 0 if unknown, as in live recordings."""
    file.seek(len(EBML))
    file.seek(_ebml_size(file) or 0, 1)
    if file.read(len(SEGMENT)) != SEGMENT:
        return 0
    length = _ebml_size(file)
    return 0 if length is None else file.tell() + length


def _ebml_size(file: BinaryIO) -> int | None:
    """A variable-length integer: the leading zero bits of the first byte count the bytes that follow."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    n_more = 8 - first[0].bit_length()
    mask = (1 << (7 * (n_more + 1))) - 1
    value = int.from_bytes(first + file.read(n_more)) & mask
    return None if value == mask else value


def _riff_end(file: BinaryIO, size: int) -> int:
    """Where the last RIFF chunk of an AVI file ends; large files have several."""
    start = end = 0
    while start + 8 <= size:
        file.seek(start)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        if header[:4] != b"RIFF" or length in UNKNOWN_RIFF_SIZES:
            break
        start += 8 + length + length % 2
        end = start - length % 2
    return end
