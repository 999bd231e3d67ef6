"""The streaming core: frames in, a word for every pixel out, in bounded memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from openvss.errors import InputError
from openvss.models.base import FrameFeatures, Fused, VideoContext, VideoModel
from openvss.segmenting.edges import reading_places
from openvss.segmenting.inputs import input_size, shrink, to_input
from openvss.segmenting.labelling import label_pixels
from openvss.segmenting.state import RATE, RememberedFrame, StreamState, pick_references, slot_of
from openvss.video.frame import Frame
from openvss.video.labelmap import LabelMap
from openvss.video.sources import Source, open_source
from openvss.words.vocabulary import Vocabulary

Pixels = npt.NDArray[np.uint8]
Input = str | Path | Iterable[Pixels]
Precision = Literal["fp32", "bf16", "fp16"]
LOWER = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Segmenter:
    """Labels the frames of one video after another.

    Args:
        model: Any `VideoModel`; `openvss.load` brings one by name.
        words: `"person | pedestrian, road, sky"`, a built-in list's name or a `Vocabulary`; may be set later.
            A closed-set model starts with all its own.
        size: Short side at which the model sees frames; its own default if None.
        device: "auto", "cpu", "cuda", "cuda:1", "mps", ...
        unlabelled_below: Pixels less certain than this (0..1) get no word.
        context: Whether models that look at distant frames see only the past or the whole video.
        precision: Of the model's computation; weights, words and labelling stay in fp32.
    """

    def __init__(
        self,
        model: VideoModel,
        words: str | Vocabulary | None = None,
        *,
        size: int | None = None,
        device: str = "auto",
        unlabelled_below: float = 0.0,
        context: Literal["past", "whole"] = "past",
        precision: Precision = "fp32",
    ) -> None:
        if not 0.0 <= unlabelled_below <= 1.0:
            raise InputError(
                f"unlabelled_below (--unlabelled-below) is a fraction from 0 to 1, not {unlabelled_below}."
            )
        if context not in ("past", "whole"):
            raise InputError(f"The context is past or whole, not {context!r}.")
        if size is not None and not 32 <= size <= 4096:
            raise InputError(f"The size is the short side in pixels, from 32 to 4096, not {size}.")
        self.device = choose_device(device)
        check_precision(precision, self.device)
        self.precision = precision
        self.model = model.eval().to(self.device)
        self.size = size or model.size
        self.unlabelled_below = unlabelled_below
        self.context = context
        self.reset()
        words = model.fixed_words if words is None else words
        if words is not None:
            self.set_words(words)

    def reset(self) -> None:
        """Forget the video (not the words): the next frame is the first of another one."""
        self.state = StreamState.empty(self.model.references)
        self._count = 0

    def set_words(self, words: str | Vocabulary) -> None:
        """Change the words, also in mid-stream: nothing that was seen has to be encoded again."""
        vocabulary = _vocabulary(words)
        # what may fail comes first: then all stays as it was
        self._words = self.model.embed(vocabulary)
        self.vocabulary = vocabulary

    @torch.inference_mode()
    def step(self, frame: Frame | Pixels) -> LabelMap:
        """Label the next frame. Bare pixels are taken to be 1/15 s apart."""
        self._require_words()
        frame = self._as_frame(frame)
        return self._label(self._see(frame), frame)

    def _see(self, frame: Frame) -> Fused:
        """Encode a frame, put it in its context and remember it."""
        image = self._enter(frame)
        slot = slot_of(frame.time)
        with self._computing():
            features = self.model.encode(to_input(image, self.device))
            fused, self.state.memory = self.model.fuse(
                features, self._references(slot, features), self._context(slot, features), self.state.memory
            )
        self._remember(RememberedFrame(slot, image, self.model.compact(features)))
        self.state.last = fused, frame
        return fused

    @torch.inference_mode()
    def skip(self, frame: Frame | Pixels) -> None:
        """Pass over a frame that an earlier run labelled; later frames may still look back at it."""
        frame = self._as_frame(frame)
        if self.model.recurrent:
            self._see(frame)
        else:
            self._remember(RememberedFrame(slot_of(frame.time), self._enter(frame)))

    @torch.inference_mode()
    def ask(self, words: str | Vocabulary) -> LabelMap:
        """Label the last frame again, with other words, from what is known of it.

        Later frames are labelled with the words as they were; `set_words` changes those.
        """
        if self.state.last is None:
            raise InputError("There is no frame to ask about yet: call step() first.")
        before = self.vocabulary, self._words
        try:
            self.set_words(words)
            return self._label(*self.state.last)
        finally:
            self.vocabulary, self._words = before

    def stream(self, source: Input | Source, words: str | Vocabulary | None = None) -> Iterator[LabelMap]:
        """Label a whole video, image, folder of frames, camera or iterable of arrays, frame by frame."""
        if words is not None:
            self.set_words(words)
        self._require_words()
        opened = source if isinstance(source, Source) else open_source(source)
        self.begin(opened)
        for frame in opened:
            yield self.step(frame)

    def begin(self, source: Source) -> None:
        """Start a video; with `context="whole"` this looks through it once before any frame is labelled."""
        if self._looks_ahead and source.kind in ("camera", "stream"):
            raise InputError(f"{source.name} has no end to look ahead to: use --context past.")
        self.begin_frames(source)

    def begin_frames(self, frames: Iterable[Frame]) -> None:
        """The same for frames that can be gone through more than once."""
        self.reset()
        if self._looks_ahead:
            self._look_ahead(frames)

    @property
    def _looks_ahead(self) -> bool:
        return self.context == "whole" and bool(self.model.context_frames(0, 1))

    def _look_ahead(self, frames: Iterable[Frame]) -> None:
        slots = [slot_of(frame.time) for frame in frames]
        if not slots:
            return
        cells = slots[-1] - slots[0] + 1
        wanted = {slots[0] + i for t in range(cells) for i in self.model.context_frames(t, cells)}
        seen = sorted(set(slots))
        kept = {_nearest(seen, slot) for slot in _thin(sorted(wanted), self.state.reservoir.capacity)}
        for frame in frames:
            slot = slot_of(frame.time)
            if slot in kept:
                kept.remove(slot)
                self.state.reservoir.entries.append(RememberedFrame(slot, self._shrink(frame)))
        self.state.whole_cells = cells

    def _enter(self, frame: Frame) -> torch.Tensor:
        """Check that the frame continues the video; its pixels at model size."""
        state = self.state
        image = self._shrink(frame)
        size = (image.shape[-2], image.shape[-1])
        if state.input_size not in (None, size):
            raise InputError(
                f"Frame {frame.index} has another size than those before it: call reset() between videos."
            )
        if state.last_time is not None and frame.time <= state.last_time:
            raise InputError(
                f"Frame {frame.index} is not later than the one before it: call reset() between videos."
            )
        state.input_size, state.last_time = size, frame.time
        state.first_slot = slot_of(frame.time) if state.first_slot is None else state.first_slot
        return image

    def _shrink(self, frame: Frame) -> torch.Tensor:
        return shrink(frame.pixels, input_size(frame.pixels.shape[0], frame.pixels.shape[1], self.size))

    def _as_frame(self, frame: Frame | Pixels) -> Frame:
        if not isinstance(frame, Frame):
            if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
                raise InputError(f"A frame is (height, width, 3) uint8 RGB, not {frame.shape} {frame.dtype}.")
            frame = Frame(self._count, Fraction(self._count, RATE), frame)
        self._count += 1
        return frame

    def _remember(self, entry: RememberedFrame) -> None:
        state = self.state
        if state.recent and state.recent[-1].slot == entry.slot:
            return
        if state.recent.maxlen:
            state.recent.append(entry)
        if state.whole_cells is None and self.model.context_frames(0, 1):
            last = state.reservoir.entries[-1].slot if state.reservoir.entries else None
            if last != entry.slot:
                state.reservoir.offer(entry)

    def _references(self, slot: int, target: FrameFeatures) -> list[FrameFeatures]:
        recent = list(self.state.recent)
        slots, first = [e.slot for e in recent], self.state.first_slot or 0
        start = self.model.starts.get(slot - first)
        picks: Sequence[int | None]
        if start is None:
            picks = pick_references(slots, slot, self.model.references)
        else:
            picks = [slots.index(_nearest(slots, first + t)) for t in start]
        own = self.model.compact(target)
        return [own if i is None else recent[i].features(self._encode_compact) for i in picks]

    def _context(self, slot: int, target: FrameFeatures) -> VideoContext | None:
        """Summary of the distant frames, made anew only when they change."""
        state = self.state
        assert state.first_slot is not None
        t = slot - state.first_slot
        wanted = self.model.context_frames(t, state.whole_cells or t + 1)
        if not wanted:
            return None
        here = RememberedFrame(slot, None, self.model.compact(target))
        chosen = [here if i == t else state.reservoir.nearest(state.first_slot + i, here) for i in wanted]
        slots = tuple(e.slot for e in chosen)
        if slots != state.context_slots or state.context is None:
            each = [e.features(self._encode_compact) for e in chosen]
            stacked = {name: torch.cat([f[name] for f in each]) for name in each[0]}
            state.context, state.context_slots = self.model.summarise(stacked), slots
        return state.context

    @property
    def _encode_compact(self) -> Callable[[torch.Tensor], FrameFeatures]:
        return lambda image: self.model.encode_reference(to_input(image, self.device))

    def _label(self, fused: Fused, frame: Frame) -> LabelMap:
        with self._computing():
            logits = self.model.score(fused, self._words).logits[0]
        height, width = frame.pixels.shape[:2]
        places = None
        if self.model.edge_aware:
            inputs = input_size(height, width, self.size)
            half = shrink(frame.pixels, (inputs[0] // 2, inputs[1] // 2))
            places = reading_places(to_input(half, self.device), (logits.shape[-2], logits.shape[-1]))
        labels, confidence = label_pixels(logits, (height, width), self.unlabelled_below, places)
        return LabelMap(labels, confidence, self.vocabulary.names, frame.index, frame.time)

    def _computing(self) -> AbstractContextManager[object]:
        """What the model computes within; in fp32 that is left to whoever called."""
        dtype = LOWER.get(self.precision)
        return nullcontext() if dtype is None else torch.autocast(self.device.type, dtype)

    def _require_words(self) -> None:
        if not hasattr(self, "vocabulary"):
            raise InputError('There are no words to label with: give some, such as "person, road, sky".')


def _vocabulary(words: str | Vocabulary) -> Vocabulary:
    if isinstance(words, str):
        return Vocabulary.parse(words)
    if not isinstance(words, Vocabulary):
        raise InputError(
            f'Words are one string, such as "person, road, sky", or a Vocabulary, not {words!r}.'
        )
    return words


def _nearest(slots: list[int], wanted: int) -> int:
    """Of ascending slots the one closest to `wanted`, the earlier one of two."""
    i = bisect_left(slots, wanted)
    return min(slots[max(i - 1, 0) : i + 1], key=lambda s: (abs(s - wanted), s))


def _thin(slots: list[int], capacity: int) -> list[int]:
    """At most `capacity` of them, the first and the last among them, evenly spread."""
    if len(slots) <= capacity:
        return slots
    return [slots[i * (len(slots) - 1) // (capacity - 1)] for i in range(capacity)]


def choose_device(name: str) -> torch.device:
    """The named device, or the best one there is for "auto"."""
    if name == "auto":
        best = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return best or torch.device("cpu")
    try:
        if name.partition(":")[0] not in ("cpu", "cuda", "mps", "xpu"):
            raise RuntimeError
        torch.empty(0, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError, ImportError):
        raise InputError(f"There is no device {name!r} here: use --device cpu or --device auto.") from None


def check_precision(precision: str, device: torch.device) -> None:
    """Complain about one that there is not, or that the device does not have."""
    if precision not in ("fp32", *LOWER):
        raise InputError(f"The precision is fp32, bf16 or fp16, not {precision!r}.")
    if precision == "fp16" and device.type == "cpu":
        raise InputError("--precision fp16 needs a GPU: use bf16 or fp32.")
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise InputError("This GPU does not have --precision bf16: use fp16 or fp32.")
