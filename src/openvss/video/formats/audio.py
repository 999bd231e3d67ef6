"""The audio of the source, packet by packet, for the overlay video."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet

from openvss.video.decoding import open_container

# What an MP4 file can hold and players play; anything else becomes AAC.
COPIED = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"})
# Files with raw samples often tell the number of channels only.
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
MP3_FROM = 16_000  # samples a second: MP4 takes no slower ones
AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000})
LEAD = 2  # seconds before a part at which reading begins, as containers find places only roughly

log = logging.getLogger(__name__)


class Audio:
    """The first audio track of a file, copied if MP4 can hold its codec, else made AAC.

    A file that breaks partway gives the packets before the break.
    """

    def __init__(self, container: InputContainer, stream: AudioStream) -> None:
        self._container = container
        self._stream = stream
        name = stream.codec_context.codec.canonical_name
        self._copy = name in COPIED and (name != "mp3" or stream.rate >= MP3_FROM)
        self._origin, self._cut = Fraction(0), False
        self._waiting: Packet[AudioStream] | None = None
        self._packets: Iterator[Packet[AudioStream]] = iter(())

    @property
    def start(self) -> Fraction:
        """When the track begins, on the clock of the source."""
        return _seconds(self._stream.start_time or 0, self._stream.time_base)

    def attach(self, output: OutputContainer, origin: Fraction, *, cut: bool = False) -> None:
        """Add the track to a file whose time 0 is the source's time `origin`; `cut` drops what is before."""
        self._origin, self._cut = origin, cut
        if cut:
            self._seek(origin - LEAD)
        if self._copy:
            self._packets = self._copied(output.add_stream_from_template(self._stream))
            return
        rate = self._stream.rate if self._stream.rate in AAC_RATES else 48_000
        channels = self._stream.layout.nb_channels
        encoder = output.add_stream("aac", rate=rate, layout=LAYOUTS.get(channels, "stereo"))
        encoder.codec_context.flags |= Flags.bitexact
        self._packets = self._transcoded(encoder)

    def until(self, time: Fraction | None) -> Iterator[Packet[AudioStream]]:
        """The next packets, up to a time on the clock of the output; None for all that is left."""
        while True:
            packet = self._waiting or next(self._packets, None)
            self._waiting = packet
            if packet is None or packet.dts is None:
                return
            if time is not None and _seconds(packet.dts, packet.time_base) > time:
                return
            self._waiting = None
            yield packet

    def close(self) -> None:
        """Close the file."""
        self._packets = iter(())
        self._container.close()

    def _copied(self, output: AudioStream) -> Iterator[Packet[AudioStream]]:
        last: int | None = None
        for packet in self._demuxed():
            # Muxers refuse timestamps that repeat or go back, as in damaged files.
            if packet.dts is None or packet.pts is None or (last is not None and packet.dts <= last):
                continue
            last = packet.dts
            shift = round(self._origin / Fraction(packet.time_base))
            if self._cut and packet.pts < shift:
                continue
            packet.dts -= shift
            packet.pts -= shift
            packet.stream = output
            yield packet

    def _transcoded(self, output: AudioStream) -> Iterator[Packet[AudioStream]]:
        for packet in self._demuxed():
            try:
                frames: list[AudioFrame] = packet.decode()
            except FFmpegError:
                continue  # a damaged packet becomes a moment of silence
            for frame in frames:
                if frame.pts is not None and frame.time_base:
                    frame.pts -= round(self._origin / Fraction(frame.time_base))
                    if self._cut and frame.pts < 0:
                        continue
                yield from output.encode(frame)
        yield from output.encode(None)

    def _seek(self, time: Fraction) -> None:
        """Spares reading the file up to there, where the container allows it."""
        if time > self.start and self._stream.time_base:
            with contextlib.suppress(FFmpegError):
                self._container.seek(int(time / self._stream.time_base), stream=self._stream)

    def _demuxed(self) -> Iterator[Packet[AudioStream]]:
        try:
            yield from self._container.demux(self._stream)
        except FFmpegError as error:
            log.info("The audio of %s ends early: %s", self._container.name, error)


def open_audio(container: InputContainer) -> Audio | None:
    """The first audio track of an open file; None without one, or in a format that cannot be kept."""
    if not container.streams.audio:
        return None
    stream = container.streams.audio[0]
    if stream.codec_context is None or not stream.rate:
        log.warning("The audio of %s is in an unknown format, so the overlay is silent.", container.name)
        return None
    return Audio(container, stream)


def reopen(path: Path | None) -> InputContainer | None:
    """The source, opened again beside its decoder; None if there is no file or it cannot be opened."""
    if path is None:
        return None
    try:
        return open_container(str(path.absolute()))
    except (OSError, ValueError, FFmpegError):
        return None


def _seconds(ticks: int, time_base: Fraction | None) -> Fraction:
    return ticks * (time_base or Fraction(1))
