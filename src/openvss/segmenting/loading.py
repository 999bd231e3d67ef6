"""`openvss.load`: a model by name, ready to stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from openvss.engines.manifest import is_exported
from openvss.engines.onnx import OnnxEngine
from openvss.errors import InputError
from openvss.segmenting.segmenter import Segmenter
from openvss.segmenting.settings import StreamOptions, StreamSettings
from openvss.words.rest import means_rest
from openvss.words.vocabulary import Vocabulary, Words


def load(
    model: str = "tiny",
    words: Words | None = None,
    *,
    weights: str | Path | None = None,
    untrained: bool = False,
    options: Mapping[str, object] | None = None,
    settings: StreamSettings | None = None,
    **changes: Unpack[StreamOptions],
) -> Segmenter:
    """A `Segmenter` around a model with trained weights.

    Args:
        model: A preset's name (`openvss models` lists them), the path of a checkpoint, of a training run or
            of a folder that `openvss export` made, or `hf:` and the name of a SegFormer on the Hugging Face
            hub.
        words: `"person | pedestrian, road, sky"` or `["person | pedestrian", "road", "sky"]`,
            a built-in list's name or a `Vocabulary`. They may be given later, and models that have words of
            their own need none.
        weights: A file to use instead of the preset's own weights.
        untrained: Take a preset without trained weights, at random.
        options: The model's own, such as `{"smoothing": 0}`, as far as they change no weights.
        settings: How to stream; the defaults of `StreamSettings` if None.
        **changes: Single settings by keyword: `size=320`, `device="cpu"`; see `StreamSettings`.

    Raises:
        InputError: There is no such model, a word or setting cannot be used, or weights are missing.

    Example:
        >>> import numpy as np, openvss
        >>> video = np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), np.uint8)
        >>> segmenter = openvss.load("tiny", "person | pedestrian, dog, grass", size=64, device="cpu")
        >>> for frame in segmenter.stream(video):  # or "clip.mp4"
        ...     print(frame.index, frame.words, frame.labels.shape)
        0 ('person', 'dog', 'grass') (48, 64)
        1 ('person', 'dog', 'grass') (48, 64)
        2 ('person', 'dog', 'grass') (48, 64)
        >>> openvss.load("tiny", ["person | pedestrian", "dog", "grass"]).vocabulary.names
        ('person', 'dog', 'grass')
    """
    chosen = replace(settings or StreamSettings(), **changes)
    if is_exported(model):
        _require_plain(model, chosen, own=not (weights or untrained or options))
        return Segmenter(OnnxEngine(Path(model), chosen.device), words, settings=chosen)
    if chosen.engine == "onnx":
        raise InputError(
            f"{model} is not an exported folder: make one with `openvss export {model} OUT` and name it as "
            "the model."
        )
    from openvss.models.trained import LEARNED_REST, load_model, notes

    built = load_model(model, weights, untrained=untrained, options=options)
    if chosen.others is None and words is not None and LEARNED_REST in notes(model, weights):
        words = Vocabulary.of(words)
        chosen = replace(chosen, others=False if any(map(means_rest, words)) else None)
    return Segmenter(built, words, settings=chosen)


def notes_of(model: str, weights: str | Path | None = None) -> dict[str, str]:
    """What a checkpoint notes of its training (`openvss.models.trained.notes`); exported folders: nothing."""
    if is_exported(model):
        return {}
    from openvss.models.trained import notes

    return notes(model, weights)


def _require_plain(model: str, settings: StreamSettings, *, own: bool) -> None:
    """Refuse what an exported folder cannot do."""
    if settings.engine == "torch":
        raise InputError(f"{model} is an exported folder, which --engine torch cannot run: use auto or onnx.")
    if not own:
        raise InputError(f"{model} is exported as it is: leave --weights, --untrained and --option out.")
    if settings.precision != "fp32":
        raise InputError(f"{model} has the precision that it was exported with: leave --precision out.")
