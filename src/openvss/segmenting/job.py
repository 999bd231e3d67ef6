"""One video from source to finished folder: `openvss.segment`, of which `openvss segment` is a front end.

Nothing heavy is imported before a model is needed, so that arguments that cannot be used are refused at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from openvss.errors import BrokenVideoError, InputError, Stopped
from openvss.segmenting.places import check_places, default_folder, open_input
from openvss.segmenting.settings import StreamOptions, StreamSettings
from openvss.segmenting.spent import Spent
from openvss.video.part import Part, Seconds
from openvss.words.vocabulary import Vocabulary, Words

if TYPE_CHECKING:
    from openvss.segmenting.segmenter import Segmenter
    from openvss.segmenting.suggest import Suggestion
    from openvss.video.formats.classes import ClassInfo
    from openvss.video.formats.style import OverlayStyle
    from openvss.video.labelmap import LabelMap
    from openvss.video.picture import Picture
    from openvss.video.sinks import OutputFolder
    from openvss.video.sources import Source

FORMATS = ("png", "overlay", "chart")
AUTO = "auto"  # in place of words: propose some

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        stage: "words" while words are embedded for the first time, then "frames".
        done: Of the words or frames.
        total: How many there are; None if the input does not say, and of frames perhaps an estimate.
        resumed: Frames that an earlier run labelled, which cost little.

    Example:
        >>> import tempfile
        >>> import numpy as np, openvss
        >>> def show(progress):
        ...     print(progress.stage, progress.done, "of", progress.total)
        >>> video = [np.zeros((48, 64, 3), np.uint8)] * 2  # or "clip.mp4"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = openvss.segment(video, "dog, grass", out=f"{folder}/a", size=64, on_progress=show)
        frames 0 of 2
        frames 1 of 2
        frames 2 of 2
    """

    stage: Literal["words", "frames"]
    done: int
    total: int | None
    resumed: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """How a job ended.

    Attributes:
        out: The folder.
        files: Names of the files and folders in it.
        frames: How many frames it holds.
        resumed: How many of them an earlier run had labelled.
        broken: Why the video ended early, if it did.
        suggestions: Common words that may be in a large part of the picture, where pixels are everything
            else, unlabelled or uncertain.

    Example:
        >>> import tempfile
        >>> import numpy as np, openvss
        >>> video = [np.zeros((48, 64, 3), np.uint8)] * 2  # or "clip.mp4"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     one = openvss.segment(video, "dog, grass", out=f"{folder}/a", formats=["png"], size=64)
        ...     print(one.frames, one.resumed, [(one.out / name).exists() for name in one.files])
        2 0 [True, True, True, True]
    """

    out: Path
    files: tuple[str, ...]
    frames: int
    resumed: int
    broken: str | None
    suggestions: tuple[Suggestion, ...] = ()


def segment(
    source: Source | str | Path | Iterable[Picture],
    words: Words | None = None,
    *,
    out: str | Path | None = None,
    model: str = "tiny",
    weights: str | Path | None = None,
    untrained: bool = False,
    options: Mapping[str, object] | None = None,
    formats: Sequence[str] | str = FORMATS,
    fps: Fraction | None = None,
    start: Seconds | None = None,
    end: Seconds | None = None,
    every: Seconds | None = None,
    max_frames: int | None = None,
    style: OverlayStyle | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    settings: StreamSettings | None = None,
    **changes: Unpack[StreamOptions],
) -> Result:
    """Label a whole input and write the folder of results, as `openvss segment` does.

    Args:
        source: Anything that `open_source` takes, or what it gave.
        words: `"person | pedestrian, road, sky"` or `["person | pedestrian", "road", "sky"]`, a built-in
            list's name or a `Vocabulary`; "auto" proposes some; models that have words of their own need
            none.
        out: The folder; `segmented/<name of the input>` if None.
        model: What `load` takes, as are `weights`, `untrained`, `options`, `settings` and `changes`.
        weights: A file to use instead of the model's own weights.
        untrained: Take a model without trained weights, at random.
        options: The model's own.
        formats: Such as `["png", "overlay"]` or `"png, overlay"`; docs/segment.md lists them.
        fps: Frames per second of a folder of frames or of arrays; default 15.
        start: When to begin, after the first frame of the video: 65, "1:05" or "1:00:05.5".
        end: When to end, before the frame at this time.
        every: Take the first frame and then each 10th, or one each "0.5s".
        max_frames: Take at most so many.
        style: How overlays look, and colours of your own; the defaults of `OverlayStyle` if None.
        resume: Continue an interrupted run in the folder; the files come out as if it had not stopped.
        overwrite: Replace the run in the folder.
        on_progress: Told how far the job is, at least once for every frame.
        settings: How to stream; the defaults of `StreamSettings` if None.
        **changes: Single settings by keyword: `size=320`, `device="cpu"`; see `StreamSettings`.

    Raises:
        InputError: Something that was given cannot be used.
        BrokenVideoError: The video broke partway; the folder is finished, with every frame before that.
        OutputError: The folder cannot be written.

    Example:
        >>> import tempfile
        >>> import numpy as np, openvss
        >>> video = np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), np.uint8)  # or "clip.mp4"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = openvss.segment(video, "dog, grass", out=f"{folder}/first", size=64, device="cpu")
        ...     print(result.frames, result.files)
        3 ('classes.json', 'masks', 'overlay.mp4', 'run.json', 'shares.png', 'stats.csv')
    """
    job = Job(
        words,
        model=model,
        weights=weights,
        untrained=untrained,
        options=options,
        formats=formats,
        style=style,
        settings=replace(settings or StreamSettings(), **changes),
        on_progress=on_progress,
    )
    opened = open_input(source, fps, Part.of(start, end, every, max_frames))
    result = job.run(opened, default_folder(opened) if out is None else Path(out), resume, overwrite)
    if result.broken:
        raise BrokenVideoError(result.broken)
    return result


class Job:
    """A model, its words and what to write, for one input after another; `segment` explains the arguments.

    Attributes:
        model: Its name, as it was given.
        vocabulary: The words; None for the model's own until it is loaded, and until some are proposed.
        auto: Whether words are to be proposed.
        style: How overlays look.
    """

    def __init__(
        self,
        words: Words | None,
        *,
        model: str = "tiny",
        weights: str | Path | None = None,
        untrained: bool = False,
        options: Mapping[str, object] | None = None,
        formats: Sequence[str] | str = FORMATS,
        style: OverlayStyle | None = None,
        settings: StreamSettings | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        from openvss.video.formats.catalogue import known_formats
        from openvss.video.formats.style import OverlayStyle

        self.auto = isinstance(words, str) and words.strip().lower() == AUTO
        self.vocabulary = None if words is None or self.auto else Vocabulary.of(words)
        self._list: str | None = None  # whose words they are, if everything else was added
        self.model, self._weights, self._untrained = model, weights, untrained
        self._options = dict(options or {})
        names = formats.split(",") if isinstance(formats, str) else formats
        self._formats, self.style = known_formats([name.strip() for name in names]), style or OverlayStyle()
        self._stream = settings or StreamSettings()
        self._tell = on_progress

    @cached_property
    def segmenter(self) -> Segmenter:
        """The model, loaded when it is first needed."""
        from openvss.models.words import watched
        from openvss.segmenting.loading import load

        spent = Spent()
        with spent.on(f"loading {self.model} and its words"), watched(self._embedded):
            segmenter = load(
                self.model,
                self.vocabulary,
                weights=self._weights,
                untrained=self._untrained,
                options=self._options,
                settings=self._stream,
            )
        log.info("%s", spent)
        if self.auto:
            return segmenter
        if self.vocabulary is None and segmenter.model.fixed_words is None:
            raise InputError('WORDS are missing: say what to look for, such as "person, road, sky".')
        self._list = None if self.vocabulary is None else self.vocabulary.source
        self.vocabulary = segmenter.vocabulary
        return segmenter

    def propose(self, source: Source) -> Vocabulary:
        """Choose the words, once, if they are to be proposed: from a few frames of the first input."""
        from openvss.segmenting.suggest import propose

        if self.auto and self.vocabulary is None:
            self.vocabulary = propose(self.segmenter, source)
            self.segmenter.set_words(self.vocabulary)
        return self.segmenter.vocabulary

    def classes(self) -> tuple[ClassInfo, ...]:
        """The labels with their colours."""
        from openvss.video.formats.classes import class_infos

        labels = [(label.name, label.synonyms) for label in self.segmenter.vocabulary]
        return class_infos(labels, rest=self.segmenter.rest, own=self.style.colours)

    def run(self, source: Source, out: Path, resume: bool = False, overwrite: bool = False) -> Result:
        """Label every frame and write it; frames that an earlier run finished cost no computation.

        A video that breaks partway gives finished outputs up to the break, and so does Ctrl-C on a camera or
        a stream, which have no other end. Any other error, and Ctrl-C on anything else, leaves what `resume`
        needs and nothing half-written.
        """
        check_places(source, out, resume)
        from openvss.segmenting.suggest import Suggester
        from openvss.video.sinks import OutputFolder, SourceInfo

        self.propose(source)
        settings = self._settings(source)
        self.segmenter.require_end(source)
        outputs = OutputFolder(
            out,
            classes=self.classes(),
            formats=self._formats,
            run=settings,
            source=SourceInfo(
                size=source.size,
                rate=source.rate,
                kind="image" if source.kind == "image" else "video",
                path=source.path,
                is_part=not source.part.is_whole,
            ),
            style=self.style,
            resume=resume,
            overwrite=overwrite,
        )
        for key, value in settings.items():
            log.info("%s: %s", key, value)
        frames, broken = outputs.finished, outputs.broken
        self._tell(Progress("frames", 0, source.n_frames, outputs.finished))
        suggester = Suggester(self.segmenter, source.n_frames)
        if not outputs.complete:
            frames, broken = fill(outputs, source, self.segmenter, self._tell, suggester.look)
        resumed = min(outputs.finished, frames)
        return Result(out, tuple(outputs.products), frames, resumed, broken, suggester.suggestions())

    def _embedded(self, done: int, total: int) -> None:
        self._tell(Progress("words", done, total))

    def _settings(self, source: Source) -> dict[str, Any]:
        """Everything that decides what the results are: the content of run.json."""
        import av

        from openvss import __version__
        from openvss.storage.fingerprint import fingerprint

        segmenter = self.segmenter
        return {
            "input": source.name.encode(errors="replace").decode(),
            "input_sha256": fingerprint(source.files),
            "part": source.part.settings(),
            "frame_size": list(source.size),
            "rate": str(source.rate) if source.rate else None,
            "words": str(segmenter.vocabulary),
            "word_list": segmenter.vocabulary.source or self._list,
            "everything_else": segmenter.rest,
            "model": self.model,
            "engine": segmenter.engine.name,
            "options": self._options,
            "weights_sha256": segmenter.model.weights_sha256,
            "size": segmenter.size,
            "context": segmenter.settings.context,
            "precision": segmenter.settings.precision,
            "unlabelled_below": segmenter.settings.unlabelled_below,
            "device": segmenter.engine.kind,
            "versions": {"openvss": __version__, **segmenter.engine.versions(), "av": av.__version__},
        }


def fill(
    outputs: OutputFolder,
    source: Source,
    segmenter: Segmenter,
    tell: Callable[[Progress], None] = lambda progress: None,
    look: Callable[[LabelMap], None] = lambda labels: None,
) -> tuple[int, str | None]:
    """Write every frame with its labels; how many there were, and why not more if the video broke.

    `look` is given the labels of each frame that was not finished before.
    """
    spent, frames, broken = Spent(), 0, None
    try:
        try:
            segmenter.begin(source)
            for frame in spent.waiting("waiting for the input", source):
                if frame.index < outputs.finished:
                    outputs.replay(frame)
                    segmenter.skip(frame)
                else:
                    with spent.on("labelling"):
                        labels = segmenter.step(frame)
                    with spent.on("looking for other words"):
                        look(labels)
                    with spent.on("waiting for the outputs"):
                        outputs.write(frame, labels)
                frames += 1
                tell(Progress("frames", frames, source.n_frames, outputs.finished))
        except BrokenVideoError as error:
            if not frames:
                raise
            broken = str(error)
        except Stopped:
            if not (source.kind in ("camera", "stream") and frames):
                raise
        with spent.on("completing the files"):
            outputs.close(broken)
    except BaseException:
        outputs.abort()
        raise
    log.info("%d frames: %s", frames, spent)
    return frames, broken
