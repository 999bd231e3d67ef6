"""What a model costs: parameters, multiply-adds, time and memory, streaming and on whole clips."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from openvss.models.base import VideoContext, VideoModel, encode_clips
from openvss.models.words import WordEmbeddings

Step = Callable[[], object]

VIDEO_FRAMES = 71  # of a video in VSPW's validation set, on average: its context is made once for so many


@dataclass(frozen=True)
class Cost:
    """Of one frame of one video; times are medians.

    Frames per second are batch / seconds, with the context of a video, if the model has one, made once for
    `VIDEO_FRAMES` frames. The other times and the multiply-adds are without it.

    Attributes:
        name: Of the model.
        parameters: All weights, frozen ones too.
        streaming_macs: Multiply-adds of a frame whose references are cached.
        clip_macs: Of a frame whose references are encoded with it.
        streaming_ms: Time of a frame whose references are cached.
        clip_ms: Time of a frame whose references are encoded with it.
        summarise_ms: Time in which the context of a video is made of frames that are encoded already.
        context_ms: Time in which these frames are encoded, and the context is made.
        streaming_fps: Frames per second, of `streaming_ms` and `summarise_ms`.
        clip_fps: Frames per second, of `clip_ms` and `context_ms`.
        memory: Most bytes that tensors held while streaming, weights and cached references included.
    """

    name: str
    parameters: int
    streaming_macs: int
    clip_macs: int
    streaming_ms: float
    clip_ms: float
    summarise_ms: float
    context_ms: float
    streaming_fps: float
    clip_fps: float
    memory: int


class Subject:
    """A model with a clip, ready to be timed."""

    def __init__(
        self, name: str, model: VideoModel, words: WordEmbeddings, size: tuple[int, int], batch: int
    ) -> None:
        self.name, self.model, self.words, self.batch = name, model.eval(), words, batch
        generator = torch.Generator().manual_seed(0)
        length, far = len(model.references) + 1, len(model.context_frames(100, 200))
        self.clip = torch.rand(batch, length, 3, *size, generator=generator).to(model.device)
        self.far = torch.rand(far, 3, *size, generator=generator).to(model.device)
        with torch.inference_mode():
            self.references = encode_clips(model.encode_reference, self.clip[:, :-1])
            self.distant = model.encode_reference(self.far) if far else None
            summary = self.summarise()
        self.context = summary and {k: x.expand(batch, *x.shape[1:]) for k, x in summary.items()}

    @torch.inference_mode()
    def stream(self) -> Tensor:
        """Label a frame; its references and the summary of the video are there already."""
        return self._finish(self.references)

    @torch.inference_mode()
    def encode_all(self) -> Tensor:
        """Label a frame and encode its references, too."""
        return self._finish(encode_clips(self.model.encode_reference, self.clip[:, :-1]))

    @torch.inference_mode()
    def summarise(self) -> VideoContext | None:
        """Make the context of one video of frames that are encoded already; None if the model has none."""
        return None if self.distant is None else self.model.summarise(self.distant)

    @torch.inference_mode()
    def encode_and_summarise(self) -> VideoContext | None:
        """Encode the distant frames of one video and make its context; None if the model has none."""
        return self.model.summarise(self.model.encode_reference(self.far)) if len(self.far) else None

    def _finish(self, references: Sequence[Mapping[str, Tensor]]) -> Tensor:
        target = self.model.encode(self.clip[:, -1])
        fused, _ = self.model.fuse(target, [dict(r) for r in references], self.context)
        return self.model.score(fused, self.words).logits


def measure(subjects: Sequence[Subject], rounds: int) -> list[Cost]:
    """The models take turns, so that whatever else the machine does falls on all of them alike."""
    steps: list[Step] = []
    for one in subjects:
        steps += [one.stream, one.encode_all, one.summarise, one.encode_and_summarise]
    times = [statistics.median(series) for series in interleave(steps, rounds)]
    return [_cost(one, *times[4 * i : 4 * i + 4]) for i, one in enumerate(subjects)]


def _cost(one: Subject, stream: float, encode_all: float, summarise: float, anew: float) -> Cost:
    """From the milliseconds of a batch, and of a context."""
    streaming, clip = stream / one.batch, encode_all / one.batch
    if one.distant is None:
        summarise = anew = 0.0  # what was timed did nothing
    return Cost(
        name=one.name,
        parameters=sum(p.numel() for p in one.model.parameters()),
        streaming_macs=multiply_adds(one.stream) // one.batch,
        clip_macs=multiply_adds(one.encode_all) // one.batch,
        streaming_ms=streaming,
        clip_ms=clip,
        summarise_ms=summarise,
        context_ms=anew,
        streaming_fps=1e3 / (streaming + summarise / VIDEO_FRAMES),
        clip_fps=1e3 / (clip + anew / VIDEO_FRAMES),
        memory=_held(one) + peak_bytes(one.stream),
    )


def interleave(
    steps: Sequence[Step], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> list[list[float]]:
    """Milliseconds of each step in each round, after one round to warm up."""
    times: list[list[float]] = [[] for _ in steps]
    for i in range(rounds + 1):
        for step, series in zip(steps, times, strict=True):
            _wait()
            start = clock()
            step()
            _wait()
            if i:
                series.append((clock() - start) * 1e3)
    return times


def multiply_adds(step: Step) -> int:
    """Of all products of matrices and convolutions; attention is written out so that it counts."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops() // 2


def peak_bytes(step: Step) -> int:
    """Most bytes that tensors made by a step held at once."""
    with _Live() as live:
        step()
    return live.peak


class _Live(TorchDispatchMode):
    """Follows the memory of every tensor that an operation returns until nothing refers to it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._held: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        known = {x.untyped_storage()._cdata for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)}
        result = func(*args, **(kwargs or {}))
        self._held = {key: held for key, held in self._held.items() if not held[0].expired()}
        for x in tree_leaves(result):
            if isinstance(x, Tensor) and (storage := x.untyped_storage())._cdata not in known:
                self._held[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self.peak = max(self.peak, sum(size for _, size in self._held.values()))
        return result


def _held(one: Subject) -> int:
    """Bytes of weights, and of what is cached of earlier frames."""
    weights = [*one.model.parameters(), *one.model.buffers()]
    cached = [x for table in (*one.references, one.context or {}) for x in table.values()]
    return sum(x.nbytes for x in [*weights, *cached])


def _wait() -> None:
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
