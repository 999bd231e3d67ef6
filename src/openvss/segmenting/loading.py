"""`openvss.load`: a model by name, ready to stream."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from openvss.models.trained import load_model
from openvss.segmenting.segmenter import Precision, Segmenter
from openvss.words.vocabulary import Vocabulary


def load(
    model: str = "tiny",
    words: str | Vocabulary | None = None,
    *,
    weights: str | Path | None = None,
    untrained: bool = False,
    options: Mapping[str, object] | None = None,
    size: int | None = None,
    device: str = "auto",
    unlabelled_below: float = 0.0,
    context: Literal["past", "whole"] = "past",
    precision: Precision = "fp32",
) -> Segmenter:
    """A `Segmenter` around a model with trained weights: a preset's name, or the path of a checkpoint or run.

    `weights` is a file to use instead of the preset's own; without any, `untrained` takes the model as it is.
    `options` are the model's own, such as `{"smoothing": 0}`, as far as they change no weights.
    Models that have words of their own need no `words`.

    Example:
        ```python
        for frame in openvss.load("tiny").stream("clip.mp4", "person | pedestrian, dog, grass"):
            print(frame.time, frame.words, frame.shares())
        ```
    """
    return Segmenter(
        load_model(model, weights, untrained=untrained, options=options),
        words,
        size=size,
        device=device,
        unlabelled_below=unlabelled_below,
        context=context,
        precision=precision,
    )
