"""The steps of a `VideoModel` as functions of named tensors: what becomes one graph each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from openvss.models.base import VideoModel
from openvss.models.words import WordEmbeddings

Tensors = dict[str, Tensor]
WORDS = 3  # in examples


@dataclass
class Step:
    """One graph to be.

    Attributes:
        name: Of the step.
        run: From its inputs to its outputs.
        inputs: Examples.
        outputs: What they give.
        last: Names of inputs and outputs whose channels come last in memory, and so in the graph.
    """

    name: str
    run: Callable[[Tensors], Tensors]
    inputs: Tensors
    outputs: Tensors = field(init=False)
    last: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        with torch.inference_mode():
            self.outputs = self.run(self.inputs)
        both = {**self.inputs, **self.outputs}
        self.last = frozenset(name for name, x in both.items() if _channels_last(x))


class AsGraph(nn.Module):
    """A step with its tensors in a row, as exporters want them; the model is inside for its weights."""

    def __init__(self, model: VideoModel, step: Step) -> None:
        super().__init__()
        self.model, self._step = model, step

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The outputs in their order."""
        step = self._step
        given = {
            name: x.permute(0, 3, 1, 2) if name in step.last else x
            for name, x in zip(step.inputs, tensors, strict=True)
        }
        found = step.run(given)
        return tuple(x.permute(0, 2, 3, 1) if name in step.last else x for name, x in found.items())


def steps(model: VideoModel, frames: Tensor, words: WordEmbeddings | None) -> list[Step]:
    """All steps, with examples.

    Args:
        model: Of one frame at a time.
        frames: (1, 3, H, W).
        words: To be baked in; None if they remain an input, or are the model's own.
    """
    encode = Step("encode", lambda given: _encode(model, given["frames"]), {"frames": frames})
    features = {name: x.clone() for name, x in encode.outputs.items()}
    made, fused = [encode], features
    if model.references or model.recurrent:
        again = _again(model, frames, made)
        references = {
            f"reference.{i}.{name}": x
            for i in range(len(model.references))
            for name, x in model.compact(features).items()
        }
        given = {**_named("target", features), **references}
        start = Step("start" if model.recurrent else "fuse", lambda x: _fuse(model, x), {**given, **again})
        made.append(start)
        fused = _under("fused", start.outputs)
        if model.recurrent:
            with torch.inference_mode():
                _, left = _fused(model, {**given, **again})
            memory = _named("memory", {name: x.clone() for name, x in left.items()})
            made.append(Step("fuse", lambda x: _fuse(model, x), {**given, **memory}))
    made.append(_score(model, fused, words))
    return made


def _encode(model: VideoModel, frames: Tensor) -> Tensors:
    """Without the frame itself, which a runtime has."""
    return {name: x for name, x in model.encode(frames).items() if x is not frames}


def _again(model: VideoModel, frames: Tensor, made: list[Step]) -> Tensors:
    """Features of a first frame that is seen again at another size, if the model does so."""
    smaller = getattr(model, "smaller", None)
    if smaller is None:
        return {}
    step = Step("again", lambda given: {"smaller": smaller(given["frames"])}, {"frames": frames})
    made.append(step)
    with torch.inference_mode():
        seen = made[0].run({"frames": step.outputs["smaller"]})
    return _named("again", seen)


def _fuse(model: VideoModel, given: Tensors) -> Tensors:
    """What is in the fused features and in the memory is there once."""
    fused, memory = _fused(model, given)
    left = {name: x for name, x in memory.items() if fused.get(name) is not x}
    return {**_named("fused", fused), **_named("next", left)}


def _fused(model: VideoModel, given: Tensors) -> tuple[Tensors, Tensors]:
    target, again = _under("target", given), _under("again", given)
    if again:
        target["again"] = again["dense"]
    references = [_under(f"reference.{i}", given) for i in range(len(model.references))]
    fused, memory = model.fuse(target, references, None, _under("memory", given) or None)
    return fused, memory or {}


def _score(model: VideoModel, fused: Tensors, words: WordEmbeddings | None) -> Step:
    if model.fixed_words is not None:
        words = model.embed(model.fixed_words)
    fused = {name: x.clone() for name, x in fused.items()}
    if words is not None:
        baked = words
        return Step("score", lambda given: {"logits": model.score(given, baked).logits}, fused)
    assert model.text is not None
    shape = WORDS, 1 if model.average_templates else len(model.templates), model.text.dim
    example = nn.functional.normalize(torch.randn(shape), dim=-1)
    return Step("score", lambda given: {"logits": _free(model, given)}, {**fused, "words": example})


def _free(model: VideoModel, given: Tensors) -> Tensor:
    fused = {name: x for name, x in given.items() if name != "words"}
    names = ("",) * len(given["words"])
    return model.score(fused, WordEmbeddings(names, given["words"])).logits


def _channels_last(x: Tensor) -> bool:
    return x.ndim == 4 and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)


def _named(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    return {f"{prefix}.{name}": x for name, x in tensors.items()}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    start = f"{prefix}."
    return {name.removeprefix(start): x for name, x in tensors.items() if name.startswith(start)}
