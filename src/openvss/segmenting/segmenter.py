"""The streaming core: frames in, a word for every pixel out, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np
import numpy.typing as npt

from openvss.engines.choose import engine_for
from openvss.engines.contract import Arrays
from openvss.engines.inputs import input_size
from openvss.errors import InputError
from openvss.segmenting.settings import StreamOptions, StreamSettings
from openvss.segmenting.state import RATE, RememberedFrame, StreamState
from openvss.video.frame import Frame
from openvss.video.labelmap import LabelMap
from openvss.video.picture import Picture, to_pixels
from openvss.video.sources import Source, open_source
from openvss.words.rest import place_of_rest, with_rest
from openvss.words.vocabulary import Vocabulary, Words

if TYPE_CHECKING:
    from openvss.engines.contract import Engine
    from openvss.models.base import VideoModel
    from openvss.models.rest import Rest
    from openvss.models.words import WordEmbeddings

NO_FRAME = "No frame has been seen yet: call step() first."


class _Words(NamedTuple):
    """The labels, and what the model scores for them."""

    vocabulary: Vocabulary
    embeddings: WordEmbeddings
    rest: Rest | None


class Segmenter:
    """Labels the frames of one video after another; `another()` gives a second one for two videos at once.

    Args:
        model: Any `VideoModel`, or an `Engine` that has one; `openvss.load` gives one by name.
        words: `"person | pedestrian, road, sky"` or `["person | pedestrian", "road", "sky"]`,
            a built-in list's name or a `Vocabulary`; may be set later. A closed-set model starts with all its
            own.
        settings: How to stream; the defaults of `StreamSettings` if None.
        **changes: Single settings by keyword: `size=320`, `device="cpu"`; see `StreamSettings`.

    Attributes:
        engine: Runs the model.
        settings: As they were asked for.
        size: Short side at which the model sees frames.
        state: What is remembered of the video; its size is bounded.

    Example:
        >>> import numpy as np, openvss
        >>> segmenter = openvss.load("tiny", "dog, grass", size=64, device="cpu")
        >>> frame = np.zeros((48, 64, 3), np.uint8)  # RGB, from a source of your own
        >>> segmenter.step(frame).words
        ('dog', 'grass')
        >>> segmenter.ask("animal, plant, sky").words  # the same frame, not encoded again
        ('animal', 'plant', 'sky')
        >>> segmenter.set_words("cat, grass")  # for the frames to come
        >>> segmenter.step(frame).words
        ('cat', 'grass')
        >>> segmenter.reset()  # the next frame is the first of another video
    """

    def __init__(
        self,
        model: VideoModel | Engine,
        words: Words | None = None,
        *,
        settings: StreamSettings | None = None,
        **changes: Unpack[StreamOptions],
    ) -> None:
        self.settings = replace(settings or StreamSettings(), **changes)
        self.engine = engine_for(model, self.settings.device, self.settings.precision)
        self.size = self.settings.size or self.model.size
        self.state = StreamState.empty(self.model)
        self._words: _Words | None = None
        words = self.model.fixed_words if words is None else words
        if words is not None:
            self.set_words(words)

    @property
    def model(self) -> Any:
        """The engine's model: a `VideoModel`, or what an exported folder says of one (`engines.Facts`)."""
        return self.engine.model

    def reset(self) -> None:
        """Forget the video (not the words): the next frame is the first of another one."""
        self.state = StreamState.empty(self.model)

    def set_words(self, words: Words) -> None:
        """Change the words, also in mid-stream: nothing that was seen has to be encoded again."""
        vocabulary, others = Vocabulary.of(words), self.settings.others
        if others or (others is None and len(vocabulary) == 1):
            vocabulary = with_rest(vocabulary)
        place = None if others is False else place_of_rest(vocabulary)
        if place is None:
            self._words = _Words(vocabulary, self.model.embed(vocabulary), None)
        else:
            from openvss.models.rest import prepare

            rest = prepare(self.model, vocabulary, place)
            self._words = _Words(vocabulary, rest.words, rest)

    @property
    def vocabulary(self) -> Vocabulary:
        """The words that frames are labelled with."""
        return self._require_words().vocabulary

    @property
    def rest(self) -> int | None:
        """The id of the label for everything else, if there is one."""
        rest = self._require_words().rest
        return None if rest is None else rest.place

    def step(self, frame: Frame | Picture) -> LabelMap:
        """Label the next frame.

        Besides a `Frame` it may be an array, (H, W, 3) uint8 in RGB order, (H, W) grey or (H, W, 4) with
        transparency, which is put over black; a PIL image, which is turned as its EXIF data say; or the path
        of an image. These are taken to be 1/15 s apart.
        """
        self._require_words()
        frame = self._as_frame(frame)
        return self._label(self._see(frame), frame)

    def skip(self, frame: Frame | Picture) -> None:
        """Skip a frame that an earlier run labelled; later frames may still look back at it."""
        frame = self._as_frame(frame)
        if self.model.recurrent:
            self._see(frame)
        else:
            image = self._shrink(frame)
            self.state.remember(RememberedFrame(self.state.enter(frame, image), image))

    def ask(self, words: Words) -> LabelMap:
        """Label the last frame again with other words, from its stored features.

        Later frames are labelled with the previous words; `set_words` changes those.
        """
        if self.state.last is None:
            raise InputError(NO_FRAME)
        before = self._words
        try:
            self.set_words(words)
            return self._label(*self.state.last)
        finally:
            self._words = before

    def see(self, frame: Frame | Picture) -> None:
        """Take the next frame without labelling it; words are needed only for `ask` or `score`."""
        self._see(self._as_frame(frame))

    def score(self, words: WordEmbeddings) -> npt.NDArray[np.float32]:
        """Logits (N, h, w) of any words for the last frame, at the model's own resolution."""
        if self.state.last is None:
            raise InputError(NO_FRAME)
        return self.engine.to_numpy(self.engine.score(self.state.last[0], words))

    def stream(
        self, source: Source | str | Path | Iterable[Picture], words: Words | None = None
    ) -> Iterator[LabelMap]:
        """Label a whole video, image, folder of frames, camera or iterable of frames, one by one.

        A segmenter remembers one video at a time. To label a second one before the first has ended, give it
        to `another()`; two streams of one segmenter are an error.
        """
        if words is not None:
            self.set_words(words)
        self._require_words()
        opened = source if isinstance(source, Source) else open_source(source)
        self.begin(opened)
        state, count = self.state, 0
        for frame in opened:
            if self.state.count and (self.state is not state or state.count != count):
                raise InputError(
                    "This segmenter was given other frames while it labelled a stream: label a second video "
                    "with segmenter.another()."
                )
            labels = self.step(frame)
            state, count = self.state, self.state.count
            yield labels

    def another(self) -> Segmenter:
        """A second segmenter, for another video at the same time.

        It shares the model, which is not loaded again, starts with the same words and settings, and remembers
        nothing.

        Example:
            >>> import numpy as np, openvss
            >>> left = openvss.load("tiny", "dog, grass", size=64, device="cpu")
            >>> right = left.another()
            >>> videos = np.zeros((2, 3, 48, 64, 3), np.uint8)
            >>> for pair in zip(left.stream(videos[0]), right.stream(videos[1])):
            ...     print([frame.index for frame in pair])
            [0, 0]
            [1, 1]
            [2, 2]
        """
        twin = copy(self)
        twin.reset()
        return twin

    def begin(self, source: Source) -> None:
        """Start a video; with `context="whole"` this looks through it once before any frame is labelled."""
        self.require_end(source)
        self.begin_frames(source)

    def require_end(self, source: Source) -> None:
        """Refuse a live source if the whole video is to be looked through."""
        if self._looks_ahead and source.kind in ("camera", "stream"):
            raise InputError(f"{source.name} has no end to look ahead to: use --context past.")

    def begin_frames(self, frames: Iterable[Frame]) -> None:
        """The same for frames that can be iterated repeatedly."""
        self.reset()
        if self._looks_ahead:
            self.state.look_ahead(frames, self._shrink)

    @property
    def _looks_ahead(self) -> bool:
        return self.settings.context == "whole" and self.state.keeps_distant

    def _as_frame(self, frame: Frame | Picture) -> Frame:
        if not isinstance(frame, Frame):
            pixels = to_pixels(frame, f"Frame {self.state.count}")
            frame = Frame(self.state.count, Fraction(self.state.count, RATE), pixels)
        self.state.count += 1
        return frame

    def _see(self, frame: Frame) -> Arrays:
        """Encode a frame, put it in its context and remember it."""
        state, engine, image = self.state, self.engine, self._shrink(frame)
        slot = state.enter(frame, image)
        features = engine.encode(image)
        here = RememberedFrame(slot, image, engine.compact(features))
        references = [one.features(engine.encode_reference) for one in state.references(here)]
        context = state.summary(here, engine.encode_reference, engine.summarise)
        fused, state.memory = engine.fuse(features, references, context, state.memory)
        state.remember(here)
        state.last = fused, frame
        return fused

    def _label(self, fused: Arrays, frame: Frame) -> LabelMap:
        words, pixels = self._require_words(), frame.pixels
        logits = self.engine.score(fused, words.embeddings)
        inputs = input_size(pixels.shape[0], pixels.shape[1], self.size)
        labels, confidence = self.engine.label(
            logits, words.rest, pixels, (inputs[0] // 2, inputs[1] // 2), self.settings.unlabelled_below
        )
        return LabelMap(labels, confidence, words.vocabulary.names, frame.index, frame.time, self.rest)

    def _shrink(self, frame: Frame) -> Any:
        pixels = frame.pixels
        return self.engine.shrink(pixels, input_size(pixels.shape[0], pixels.shape[1], self.size))

    def _require_words(self) -> _Words:
        if self._words is None:
            raise InputError('There are no words to label with: give some, such as "person, road, sky".')
        return self._words
