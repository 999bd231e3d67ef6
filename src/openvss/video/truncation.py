"""Whether a video file ends before its container says it should.

FFmpeg reads a file that was cut short to its end without an error. MP4, MOV, Matroska, WebM, AVI and MPEG
program streams state the size of their parts, so a part that reaches beyond the end of the file proves the
cut, and so does one that cannot be reached from those before it; GIF and PNG end with a mark, and MPEG
transport streams with a whole packet. Files without any of that (raw streams, live recordings of unknown
size) are taken as they are.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from av.container.input import InputContainer
from av.video.stream import VideoStream

ISO_FIRST = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp"}
# Some healthy files end in stray bytes that look like a box; only these carry the video.
ISO_VITAL = {b"moov", b"moof", b"mdat"}
MICROSECONDS = 1_000_000
SCANNED = 1 << 20  # bytes at a time
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
UNKNOWN_RIFF_SIZES = (0, 0xFFFFFFFF)
PNG = b"\x89PNG\r\n\x1a\n"
GIF_IMAGE, GIF_EXTENSION, GIF_END = b"\x2c", b"\x21", b"\x3b"
TS_SYNC = 0x47
TS_PACKETS = ((188, 0), (192, 4), (204, 0))  # bytes of a packet, and where in it the sync byte is
PACK, PACK_END = b"\x00\x00\x01\xba", b"\x00\x00\x01\xb9"
PACK_TAIL = 1 << 18  # bytes at the end of a program stream: packs are a few thousand bytes


def is_cut_short(path: Path) -> bool:
    """Whether part of the video lies, by the file's own headers, where FFmpeg does not find it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4 * 204)
        file.seek(0)
        if head[4:8] in ISO_FIRST:
            return _iso_end(file, size) > size
        if head.startswith(EBML):
            return _matroska_end(file) > size
        if head.startswith(b"RIFF"):
            return _riff_end(file, size) > size
        if head.startswith(b"GIF8"):
            return not _gif_is_whole(file)
        if head.startswith(PNG):
            return not _png_is_whole(file, size)
        if head.startswith(PACK):
            return _program_end(file, size) > size
        packet = _ts_packet(head)
        return packet is not None and not _ts_is_whole(file, size, *packet)


def promised_end(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """The time at which the video ends by what its AVI, FLV, Matroska or WebM file says of itself.

    An FLV file speaks of all its streams, so it counts only where the video is alone. The other containers
    say nothing, or what FFmpeg takes from them is measured at the frames that are there.
    """
    kind = container.format.name
    if kind == "avi" and stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    if kind == "flv" and container.duration and len(container.streams) == 1:
        return Fraction(container.duration, MICROSECONDS)
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if match is None or "matroska" not in kind:
        return None
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def _iso_end(file: BinaryIO, size: int) -> int:
    """Where the last vital box of an MP4 or MOV file ends; behind the file if there is a box out of reach."""
    start = end = 0
    while start + 8 <= size:
        file.seek(start)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4]), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16])
        if kind in ISO_VITAL and (length >= 8 or not length):
            end = start + length if length else size  # 0 means "to the end of the file"
        if length < 8 or start + length > size:  # the rest is no box, or not a whole one
            return size + 1 if end <= start and _holds_fragment(file, start, size) else end
        start += length
    return end


def _holds_fragment(file: BinaryIO, start: int, size: int) -> bool:
    """Whether a fragment of a video begins somewhere behind `start`."""
    file.seek(start)
    for place in range(start, size, SCANNED):
        file.seek(place)
        data = file.read(SCANNED + 8)
        for match in re.finditer(rb"(?s)(....)moof", data):
            length = int.from_bytes(match[1])
            if 8 <= length <= size - place - match.start():
                return True
    return False


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


def _gif_is_whole(file: BinaryIO) -> bool:
    """Whether the mark at the end of a GIF is found where its blocks say it is."""
    header = file.read(13)
    if len(header) < 13:
        return False
    file.seek(_gif_colours(header[10]), 1)
    while kind := file.read(1):
        if kind == GIF_END:
            return True
        if kind == GIF_EXTENSION:
            file.seek(1, 1)
        elif kind == GIF_IMAGE:
            flags = file.read(9)[8:]
            file.seek(_gif_colours(flags[0]) + 1 if flags else 0, 1)
        else:  # FFmpeg reads no further than stray bytes
            return False
        while (length := file.read(1)) and length != b"\x00":
            file.seek(length[0], 1)
    return False


def _gif_colours(flags: int) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _png_is_whole(file: BinaryIO, size: int) -> bool:
    """Whether the last chunk of a PNG, animated or not, lies within the file; true for what is no chunk."""
    start = len(PNG)
    while start + 8 <= size:
        file.seek(start)
        header = file.read(8)
        if not header[4:].isalpha():
            return True
        start += 12 + int.from_bytes(header[:4])
        if header[4:] == b"IEND":
            return start <= size
    return False


def _program_end(file: BinaryIO, size: int) -> int:
    """Where the last packet of an MPEG program stream ends; 0 if that is not known."""
    tail = max(size - PACK_TAIL, 0)
    file.seek(tail)
    first = file.read().find(PACK)
    if first < 0:
        return 0
    start = tail + first
    while start + 6 <= size:
        file.seek(start)
        header = file.read(14)
        if header.startswith(PACK_END):
            start += 4
        elif header.startswith(PACK):
            if len(header) < 14:
                return start + 14
            start += 14 + (header[13] & 7) if header[4] & 0xC0 == 0x40 else 12
        elif header.startswith(b"\x00\x00\x01") and header[3] > PACK[3]:
            length = int.from_bytes(header[4:6])
            if not length:
                return 0
            start += 6 + length
        else:
            return 0
    return start if start >= size else size + 1


def _ts_packet(head: bytes) -> tuple[int, int] | None:
    """Bytes of a packet, and where in it its mark is, if these are the first ones of a transport stream."""
    for length, sync in TS_PACKETS:
        marks = head[sync : 4 * length : length]
        if len(marks) == 4 and marks == bytes([TS_SYNC]) * 4:
            return length, sync
    return None


def _ts_is_whole(file: BinaryIO, size: int, length: int, sync: int) -> bool:
    """Whether the file ends with a whole packet, by its size and by the packet's mark."""
    file.seek(size - length + sync)
    return size % length == 0 and file.read(1) == bytes([TS_SYNC])
