"""What streaming remembers of the past: a bounded number of frames on a 1/15 s grid."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from openvss.engines.contract import Array, Arrays, Facts
from openvss.errors import InputError
from openvss.video.frame import Frame

RATE = 15  # the frame distances of the papers are defined at VSPW's 15 frames a second
SECOND_VIDEO = "call reset() between videos, or label two at once with another()"
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

    A resumed run skips finished frames without encoding them; only those that a later frame actually uses
    are encoded, and they give the same features as before.
    """

    def __init__(self, slot: int, image: Array | None, features: Arrays | None = None) -> None:
        self.slot = slot
        self._image = image if features is None else None
        self._features = features

    def features(self, encode: Callable[[Array], Arrays]) -> Arrays:
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
    that its content depends on the video alone and not on where a run was interrupted.
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
    """All that streaming keeps between two frames, and which of it a model looks at.

    Attributes:
        model: Its rules say how far back to look, and how distant frames are summarised.
        recent: The last frames, one per grid cell, for references.
        reservoir: Distant frames, for models that summarise the video.
        context: The summary, and the slots that it was made of.
        memory: What a recurrent model carries.
        last: The last frame and what was fused of it, so that it can be asked about other words.
        whole_cells: Length of the video if the reservoir was filled by looking ahead.
        count: Frames so far, by which bare pixels are numbered.
    """

    model: Facts
    recent: deque[RememberedFrame]
    reservoir: Reservoir = field(default_factory=Reservoir)
    context: Arrays | None = None
    context_slots: tuple[int, ...] = ()
    memory: Arrays | None = None
    last: tuple[Arrays, Frame] | None = None
    whole_cells: int | None = None
    first_slot: int | None = None
    last_time: Fraction | None = None
    input_size: tuple[int, int] | None = None
    count: int = 0

    @classmethod
    def empty(cls, model: Facts) -> StreamState:
        """With space for one frame per 1/15 s back to the farthest reference, and for the present one."""
        return cls(model, deque(maxlen=max(model.references) + 1 if model.references else 0))

    @property
    def keeps_distant(self) -> bool:
        """Whether the model summarises distant frames."""
        return bool(self.model.context_frames(0, 1))

    def enter(self, frame: Frame, image: Array) -> int:
        """The slot of the next frame, after checking that the frame continues the video.

        Args:
            frame: As it came.
            image: Its pixels as the model sees them.
        """
        size = (image.shape[-2], image.shape[-1])
        if self.input_size not in (None, size):
            raise InputError(f"Frame {frame.index} differs in size from those before it: {SECOND_VIDEO}.")
        if self.last_time is not None and frame.time <= self.last_time:
            raise InputError(f"Frame {frame.index} is not later than the one before it: {SECOND_VIDEO}.")
        self.input_size, self.last_time = size, frame.time
        slot = slot_of(frame.time)
        self.first_slot = slot if self.first_slot is None else self.first_slot
        return slot

    def references(self, here: RememberedFrame) -> list[RememberedFrame]:
        """The frames that the target `here` looks back at, farthest first; itself where there is none yet."""
        recent, first = list(self.recent), self.first_slot or 0
        slots = [entry.slot for entry in recent]
        start = self.model.starts.get(here.slot - first)
        picks: Sequence[int | None]
        if start is None:
            picks = pick_references(slots, here.slot, self.model.references)
        else:
            picks = [slots.index(_nearest(slots, first + t)) for t in start]
        return [here if i is None else recent[i] for i in picks]

    def distant(self, here: RememberedFrame) -> list[RememberedFrame]:
        """The frames to summarise for the target `here`; none for models that summarise nothing."""
        first = self.first_slot or 0
        t = here.slot - first
        wanted = self.model.context_frames(t, self.whole_cells or t + 1)
        return [here if i == t else self.reservoir.nearest(first + i, here) for i in wanted]

    def summary(
        self,
        here: RememberedFrame,
        encode: Callable[[Array], Arrays],
        summarise: Callable[[Sequence[Arrays]], Arrays],
    ) -> Arrays | None:
        """Summary of the distant frames, recomputed only when they change."""
        chosen = self.distant(here)
        if not chosen:
            return None
        slots = tuple(entry.slot for entry in chosen)
        if slots != self.context_slots or self.context is None:
            self.context, self.context_slots = summarise([entry.features(encode) for entry in chosen]), slots
        return self.context

    def remember(self, entry: RememberedFrame) -> None:
        """Keep a frame for later ones to look back at; of several in one slot the first."""
        if self.recent and self.recent[-1].slot == entry.slot:
            return
        if self.recent.maxlen:
            self.recent.append(entry)
        if self.whole_cells is None and self.keeps_distant:
            last = self.reservoir.entries[-1].slot if self.reservoir.entries else None
            if last != entry.slot:
                self.reservoir.offer(entry)

    def look_ahead(self, frames: Iterable[Frame], shrink: Callable[[Frame], Array]) -> None:
        """Fill the reservoir from the whole video, before its first frame is labelled.

        Args:
            frames: Of the whole video; they are iterated over twice.
            shrink: From a frame to its pixels as the model sees them.
        """
        slots = [slot_of(frame.time) for frame in frames]
        if not slots:
            return
        cells = slots[-1] - slots[0] + 1
        wanted = {slots[0] + i for t in range(cells) for i in self.model.context_frames(t, cells)}
        seen = sorted(set(slots))
        kept = {_nearest(seen, slot) for slot in _thin(sorted(wanted), self.reservoir.capacity)}
        for frame in frames:
            slot = slot_of(frame.time)
            if slot in kept:
                kept.remove(slot)
                self.reservoir.entries.append(RememberedFrame(slot, shrink(frame)))
        self.whole_cells = cells

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


def _bytes(arrays: Arrays | None) -> int:
    return sum(x.nbytes for x in (arrays or {}).values())


def _nearest(slots: list[int], wanted: int) -> int:
    """Of ascending slots the one closest to `wanted`, the earlier one of two."""
    i = bisect_left(slots, wanted)
    return min(slots[max(i - 1, 0) : i + 1], key=lambda s: (abs(s - wanted), s))


def _thin(slots: list[int], capacity: int) -> list[int]:
    """At most `capacity` of them, the first and the last among them, evenly spread."""
    if len(slots) <= capacity:
        return slots
    return [slots[i * (len(slots) - 1) // (capacity - 1)] for i in range(capacity)]
