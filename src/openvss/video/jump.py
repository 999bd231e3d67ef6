"""Where decoding may begin so that a part of a video comes out as if all before it had been decoded.

The container's own index is not used: it is often missing, and where it leads differs by format. Instead the
packets before the part are read, which is some hundred times faster than decoding them.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from av.container.input import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

# Decoders that keep nothing of what came before a key frame, besides those of single pictures.
FRESH = {"av1", "libdav1d", "mpeg1video", "mpeg2video", "mpeg4", "vp8", "vp9"}
H264_IDR = {5}
HEVC_IRAP = set(range(16, 24))
REORDERED = 48  # packets: more than any codec moves a frame


@dataclass(frozen=True, slots=True)
class Jump:
    """A packet at which decoding may begin.

    Attributes:
        packets: How many come before it.
        pts: Its timestamp. Packets that follow it with an earlier one need what came before.
    """

    packets: int
    pts: int


def find_jump(container: InputContainer, stream: VideoStream, time: Fraction) -> Jump | None:
    """The last place from which every frame at or after `time` is decoded exactly; None for the beginning.

    Timestamps that are missing, repeat or go back would be mended from there on, depending on those before:
    no place after them is taken.
    """
    assert stream.time_base is not None
    target = time / stream.time_base
    found: Jump | None = None
    highest: int | None = None
    recent: deque[int] = deque(maxlen=REORDERED)
    for number, packet in enumerate(container.demux(stream)):
        pts = packet.pts
        if pts is None or packet.is_corrupt or pts in recent:
            break
        if (len(recent) == REORDERED and pts < min(recent)) or (packet.dts or pts) > target:
            break
        if packet.is_keyframe and _is_fresh(packet, stream):
            if pts > target or (highest is not None and pts <= highest):
                break
            found = Jump(number, pts)
        highest = pts if highest is None else max(highest, pts)
        recent.append(pts)
    return found if found and found.packets else None


def packets_from(
    container: InputContainer, stream: VideoStream, jump: Jump | None
) -> Iterator[Packet[VideoStream]]:
    """The packets of a stream that are needed from there on, or all."""
    leading = jump is not None
    for number, packet in enumerate(container.demux(stream)):
        if jump is not None and packet.pts is not None and (number < jump.packets or leading):
            leading = number < jump.packets or packet.pts <= jump.pts
            if number < jump.packets or packet.pts < jump.pts:
                continue
        yield packet


def _is_fresh(packet: Packet[VideoStream], stream: VideoStream) -> bool:
    """Whether nothing that is shown after this key frame depends on anything before it."""
    context = stream.codec_context
    name = context.name
    if name == "h264":
        return any(byte & 31 in H264_IDR for byte in _units(bytes(packet), context.extradata, 4))
    if name == "hevc":
        return any(byte >> 1 & 63 in HEVC_IRAP for byte in _units(bytes(packet), context.extradata, 21))
    return name in FRESH or context.codec.intra_only


def _units(data: bytes, extradata: bytes | None, place: int) -> Iterator[int]:
    """The first byte of each unit of an H.264 or H.265 packet.

    Args:
        data: Of the packet.
        extradata: Of the stream; in MP4 and Matroska it says how long the lengths before the units are.
        place: Where it says so.
    """
    if not extradata or extradata[0] != 1 or len(extradata) <= place:
        yield from (match[1][0] for match in re.finditer(rb"\x00\x00\x01(.)", data, re.DOTALL))
        return
    size, at = (extradata[place] & 3) + 1, 0
    while at + size < len(data):
        yield data[at + size]
        at += size + int.from_bytes(data[at : at + size])
