"""`openvss.load`: a model by name, ready to stream."""

from __future__ import annotations

from typing import Literal

from openvss.models.presets import load_model
from openvss.segmenter import Segmenter
from openvss.words.vocabulary import Vocabulary


def load(
    model: str = "tiny",
    words: str | Vocabulary | None = None,
    *,
    size: int | None = None,
    device: str = "auto",
    unlabelled_below: float = 0.0,
    context: Literal["past", "whole"] = "past",
) -> Segmenter:
    """A `Segmenter` around a model with trained weights.

    Example:
        ```python
        for frame in openvss.load("tiny").stream("clip.mp4", "person | pedestrian, dog, grass"):
            print(frame.time, frame.words, frame.shares())
        ```
    """
    return Segmenter(
        load_model(model),
        words,
        size=size,
        device=device,
        unlabelled_below=unlabelled_below,
        context=context,
    )
