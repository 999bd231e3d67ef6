"""One video from source to finished folder: what `openvss segment` runs and other front ends can share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openvss.errors import BrokenVideoError, Stopped
from openvss.segmenting.segmenter import Segmenter
from openvss.video.sinks import OutputFolder
from openvss.video.sources import Source


@dataclass(frozen=True)
class Done:
    """How a job ended.

    Attributes:
        frames: Frames in the finished folder.
        resumed: How many of them an earlier run had labelled.
        broken: Why the video ended early, if it did.
    """

    frames: int
    resumed: int
    broken: str | None


def run(
    source: Source,
    segmenter: Segmenter,
    outputs: OutputFolder,
    on_frame: Callable[[int], None] = lambda done: None,
) -> Done:
    """Label every frame and write it; frames that an earlier run finished are replayed without the model.

    A video that breaks partway gives finished outputs up to the break, and so does Ctrl-C on a camera or a
    stream, which have no other end. Any other error, and Ctrl-C on anything else, leaves what `--resume`
    needs and nothing half-written.
    """
    frames, broken = 0, None
    live = source.kind in ("camera", "stream")
    try:
        segmenter.begin(source)
        try:
            for frame in source:
                if frame.index < outputs.finished:
                    outputs.replay(frame)
                    segmenter.skip(frame)
                else:
                    outputs.write(frame, segmenter.step(frame))
                frames += 1
                on_frame(frames)
        except BrokenVideoError as error:
            if not frames:
                raise
            broken = str(error)
        except Stopped:
            if not (live and frames):
                raise
        outputs.close(broken)
    except BaseException:
        outputs.abort()
        raise
    return Done(frames, min(outputs.finished, frames), broken)
