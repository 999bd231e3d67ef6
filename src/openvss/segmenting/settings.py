"""How a video is streamed: one list of settings for `openvss.load`, `Segmenter` and the commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict, get_args

from openvss.engines.names import Choice, Precision
from openvss.errors import InputError

Context = Literal["past", "whole"]
SMALLEST, LARGEST = 32, 4096  # short side at which a model sees frames


class StreamOptions(TypedDict, total=False):
    """The fields of `StreamSettings` as keyword arguments; defaults and meanings are there."""

    size: int | None
    device: str
    unlabelled_below: float
    context: Context
    precision: Precision
    others: bool | None
    engine: Choice


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """How a `Segmenter` streams, whichever model it has.

    Attributes:
        size: Short side, in pixels, at which the model sees frames; None for the model's own.
        device: "auto", "cpu", "cuda", "cuda:1", "mps", ...
        unlabelled_below: Pixels less certain than this (0..1) get no word.
        context: Whether models that look at distant frames see only the past or the whole video.
        precision: Of the model's computation; weights, words and labelling stay in fp32.
        others: Whether there is a label for everything else: a word that means it, such as "background", or
            else one more. None: such a word has that meaning, and a single word is given one. False: words
            mean what they say.
        engine: What runs the model: "torch"; "onnx" for a folder that `openvss export` made; "auto" takes
            what the model comes as.

    Raises:
        InputError: One of them is out of range.

    Example:
        >>> import openvss
        >>> settings = openvss.StreamSettings(size=64, device="cpu", unlabelled_below=0.3)
        >>> segmenter = openvss.load("tiny", "dog, grass", settings=settings)
        >>> segmenter.settings.unlabelled_below
        0.3

        The fields are also keyword arguments of `load` and `Segmenter`, where they override `settings`:

        >>> openvss.load("tiny", "dog, grass", settings=settings, size=96).settings == settings
        False
    """

    size: int | None = None
    device: str = "auto"
    unlabelled_below: float = 0.0
    context: Context = "past"
    precision: Precision = "fp32"
    others: bool | None = None
    engine: Choice = "auto"

    def __post_init__(self) -> None:
        if not 0.0 <= self.unlabelled_below <= 1.0:
            given = self.unlabelled_below
            raise InputError(
                f"unlabelled_below (--unlabelled-below) must be a fraction from 0 to 1, not {given}."
            )
        if self.context not in get_args(Context):
            raise InputError(f"The context must be past or whole, not {self.context!r}.")
        if self.size is not None and not SMALLEST <= self.size <= LARGEST:
            raise InputError(
                f"The size, a short side in pixels, must be from {SMALLEST} to {LARGEST}, not {self.size}."
            )
        if self.others not in (None, True, False):
            raise InputError(f"others must be True, False or None, not {self.others!r}.")
        if self.precision not in get_args(Precision):
            raise InputError(f"The precision must be fp32, bf16 or fp16, not {self.precision!r}.")
        if self.engine not in get_args(Choice):
            raise InputError(f"The engine must be auto, onnx or torch, not {self.engine!r}.")
