"""What streaming remembers of the past: a few frames on a 1/15 s grid, never more however long the video."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from torch import Tensor

from openvss.models.base import FrameFeatures, Fused, Memory, VideoContext
from openvss.video.frame import Frame

RATE = 15  # the frame distances of the papers are defined at VSPW's 15 frames a second
RESERVOIR = 32  # distant frames kept for models that summarise the video


def slot_of(time: Fraction) -> int:
    """The cell of the 1/15 s grid that a timestamp falls into."""
    return int(time * RATE // 1)


def pick_references(slots: Sequence[int], target: int, distances: Sequence[int]) -> list[int | None]:
    """Which of the cached `slots` (ascending) serve as references of a frame in slot `target`.

    For each distance the latest cached frame at least that far back, and earlier than the one picked for the
    next smaller distance, so that slow videos use distinct frames. Where there is none the earliest frame is
    repeated; None (the target itself) if nothing is cached. The farthest comes first.
    """
    picks: list[int | None] = []
    bound = len(slots)
    for distance in sorted(distances):
        older = [i for i in range(bound) if slots[i] <= target - distance]
        bound = older[-1] if older else 0
        picks.append(bound if slots else None)
    return picks[::-1]


class RememberedFrame:
    """A remembered frame: its features, or the small input image that they are made from when first needed.

    A resumed run passes over finished frames without encoding them; only those that a later frame really
    looks at are encoded, and they give the same features as before.
    """

    def __init__(self, slot: int, image: Tensor | None, features: FrameFeatures | None = None) -> None:
        self.slot = slot
        self._image = image if features is None else None
        self._features = features

    def features(self, encode: Callable[[Tensor], FrameFeatures]) -> FrameFeatures:
        """The compact features, encoded now if they have not been."""
        if self._features is None:
            assert self._image is not None
            self._features, self._image = encode(self._image), None
        return self._features

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return _bytes(self._features) if self._image is None else self._image.nbytes


class Reservoir:
    """At most `capacity` frames spread evenly over everything seen, whatever its length.

    Of the frames offered it keeps every one whose number is a multiple of a stride that doubles when full, so
    that its content depends on the video alone and not on where a run was cut.
    """

    def __init__(self, capacity: int = RESERVOIR) -> None:
        self.capacity = capacity
        self.entries: list[RememberedFrame] = []
        self._offered = 0
        self._stride = 1

    def offer(self, entry: RememberedFrame) -> None:
        """Take the entry if its place in the video is one that is kept."""
        if self._offered % self._stride == 0:
            self.entries.append(entry)
        self._offered += 1
        while len(self.entries) > self.capacity:
            self._stride *= 2
            self.entries = self.entries[::2]

    def nearest(self, slot: int, here: RememberedFrame) -> RememberedFrame:
        """The kept frame closest to `slot`, the earlier one of two; `here` if none is kept yet."""
        return min(self.entries or [here], key=lambda e: (abs(e.slot - slot), e.slot))


@dataclass
class StreamState:
    """All that streaming keeps between two frames.

    Attributes:
        recent: The last frames, one per grid cell, for references.
        reservoir: Distant frames, for models that summarise the video.
        context: The summary, and the slots that it was made of.
        memory: What a recurrent model carries.
        last: The last frame and what was fused of it, so that it can be asked about other words.
        whole_cells: Length of the video if the reservoir was filled by looking ahead.
    """

    recent: deque[RememberedFrame]
    reservoir: Reservoir = field(default_factory=Reservoir)
    context: VideoContext | None = None
    context_slots: tuple[int, ...] = ()
    memory: Memory | None = None
    last: tuple[Fused, Frame] | None = None
    whole_cells: int | None = None
    first_slot: int | None = None
    last_time: Fraction | None = None
    input_size: tuple[int, int] | None = None

    @classmethod
    def empty(cls, references: Sequence[int]) -> StreamState:
        """Room for one frame per 1/15 s back to the farthest reference, and for the present one."""
        return cls(recent=deque(maxlen=max(references) + 1 if references else 0))

    @property
    def nbytes(self) -> int:
        """Bytes of everything remembered; a frame in both places is counted once."""
        entries = {id(e): e.nbytes for e in [*self.recent, *self.reservoir.entries]}
        pixels = 0 if self.last is None else self.last[1].pixels.nbytes
        fused = None if self.last is None else self.last[0]
        return sum(entries.values()) + pixels + sum(map(_bytes, (fused, self.context, self.memory)))

    def limit(self, entry: int, rest: int) -> int:
        """Upper bound of `nbytes` however long the video.

        Args:
            entry: Bytes of a remembered frame: its compact features or its input image, whichever is larger.
            rest: Bytes of the last frame, its fused features, one context and one memory.
        """
        return ((self.recent.maxlen or 0) + self.reservoir.capacity) * entry + rest


def _bytes(tensors: dict[str, Tensor] | None) -> int:
    return sum(t.nbytes for t in (tensors or {}).values())
