"""The data of a run as batches by number: examples put together, with the words they are scored against."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from openvss.data.base import Dataset as LabelledSet
from openvss.errors import InputError
from openvss.models.base import IGNORE, VideoContext, VideoModel
from openvss.training.data.sampler import Example, SampleOrder, Sampler
from openvss.training.data.training_set import SampleSource, open_training_sets
from openvss.training.data.vocabulary import UNKNOWN, Joint, join
from openvss.training.recipe.schema import MOST_WORDS, Data, Recipe

AnyBatch = TypeVar("AnyBatch")


class Learnable(Protocol):
    """What one forward pass takes: a `Batch` for `Pass`; a system with a pass of its own may take others."""

    @property
    def number(self) -> int:
        """Counted over the whole run and all processes; seeds the pass."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Where its examples come from."""
        ...

    @property
    def words(self) -> tuple[int, ...]:
        """Ids of its words."""
        ...

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Everything that is saved if its loss or gradient is not finite."""
        ...


@dataclass(frozen=True, eq=False)
class Batch:
    """What goes through the model at once.

    Attributes:
        number: Counted over the whole run and all processes.
        names: Where its examples come from.
        frames: (B, T, 3, H, W).
        context: (B, K, 3, H, W), or made contexts, or None.
        labels: (B, T, H, W) places in `words`, or `IGNORE`.
        words: Ids of words in the joint vocabulary.
    """

    number: int
    names: tuple[str, ...]
    frames: Tensor
    context: Tensor | VideoContext | None
    labels: Tensor
    words: tuple[int, ...]

    def to(self, device: torch.device) -> Batch:
        """The same on a device; from pinned memory it is copied while the host continues."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """The same in pinned memory; a `DataLoader` with `pin_memory` calls this."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        context = self.context
        if isinstance(context, dict):
            context = {name: change(value) for name, value in context.items()}
        elif context is not None:
            context = change(context)
        return replace(self, frames=change(self.frames), context=context, labels=change(self.labels))

    def tensors(self) -> dict[str, Tensor]:
        """Frames, labels and context frames."""
        found = {"frames": self.frames, "labels": self.labels}
        return {**found, "context": self.context} if isinstance(self.context, Tensor) else found


class Batches(Dataset[Batch]):
    """All batches of a run: the same number always gives the same batch."""

    def __init__(
        self, sources: Sequence[SampleSource], joint: Joint, sampler: Sampler, recipe: Recipe
    ) -> None:
        self._sources, self._joint, self._sampler, self._recipe = sources, joint, sampler, recipe
        size, data = recipe.data.batch, recipe.data
        weights = [source.setting.weight for source in sources]
        group = size if data.mix == "batches" else 1
        self._order = SampleOrder([len(source) for source in sources], weights, recipe.seed, group)
        largest = max(map(len, joint.words)) if data.mix == "batches" else len(joint.vocabulary)
        if recipe.words.cap is None and largest > MOST_WORDS:
            raise InputError(
                f"A step can have at most {MOST_WORDS} words, but the data have {largest}: set words.cap."
            )

    def __getitem__(self, number: int) -> Batch:
        size = self._recipe.data.batch
        examples = [self._example(number * size + place) for place in range(size)]
        words = self._words(number, examples)
        table = torch.full((UNKNOWN + 1,), IGNORE, dtype=torch.int64)
        table[list(words)] = torch.arange(len(words))
        return Batch(
            number=number,
            names=tuple(e.name for e in examples),
            frames=torch.stack([e.frames for e in examples]),
            context=_together([e.context for e in examples]),
            labels=table[torch.stack([e.labels for e in examples])],
            words=words,
        )

    def _example(self, position: int) -> Example:
        source, item = self._order.at(position)
        rng = random.Random(f"{self._recipe.seed} example {position}")
        return self._sampler.example(self._sources[source], item, rng)

    def _words(self, number: int, examples: Sequence[Example]) -> tuple[int, ...]:
        """The joint vocabulary or the set's; above `words.cap`, the present words and some others."""
        if self._recipe.data.mix == "batches":
            choice = self._joint.words[examples[0].source]
        else:
            choice = tuple(range(len(self._joint.vocabulary)))
        cap, fewest = self._recipe.words.cap, self._recipe.words.fewest
        rng = random.Random(f"{self._recipe.seed} words {number}")
        if cap is not None and fewest is not None:
            cap = round(math.exp(rng.uniform(math.log(fewest), math.log(cap))))
        if cap is None or len(choice) <= cap:
            return choice
        ids = torch.unique(torch.cat([e.labels.flatten() for e in examples]))
        present = [int(i) for i in ids if i != UNKNOWN]
        present = rng.sample(present, min(len(present), MOST_WORDS))
        others = [i for i in choice if i not in set(present)]
        return tuple(sorted(present + rng.sample(others, max(0, cap - len(present)))))


def _together(contexts: Sequence[Tensor | VideoContext | None]) -> Tensor | VideoContext | None:
    frames = [one for one in contexts if isinstance(one, Tensor)]
    made = [one for one in contexts if isinstance(one, dict)]
    if frames:
        return torch.stack(frames)
    return {name: torch.cat([one[name] for one in made]) for name in made[0]} if made else None


def load(
    batches: Dataset[AnyBatch],
    numbers: Iterable[int],
    settings: Data,
    device: torch.device,
    at_start: Callable[[], None],
) -> Iterator[AnyBatch]:
    """Batches in the order of their numbers, prepared ahead by worker processes if there are any.

    `at_start` is called in each of those processes. `device` is where the batches will go.
    """
    loader: DataLoader[AnyBatch] = DataLoader(
        batches,
        batch_size=None,
        sampler=numbers,
        num_workers=settings.workers,
        prefetch_factor=2 if settings.workers else None,
        worker_init_fn=lambda _: at_start(),
        pin_memory=settings.pin_memory and device.type == "cuda",
    )
    return iter(loader)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The data of a run.

    Attributes:
        sources: Its data sets.
        joint: Their vocabulary.
        batches: What the steps take, by number.
    """

    sources: tuple[SampleSource, ...]
    joint: Joint
    batches: Dataset[Any]


def open_data(recipe: Recipe, model: VideoModel, held_out: Sequence[LabelledSet] = ()) -> TrainingData:
    """Find the data sets, leave out the videos that are held out, and put their words together."""
    datasets = open_training_sets(recipe.data.train, held_out)
    joint = join(datasets, recipe.data.train)
    keep, earliest = recipe.data.cache, recipe.clip.earliest
    sources = tuple(
        SampleSource(number, dataset, setting, joint, keep=keep, earliest=earliest)
        for number, (dataset, setting) in enumerate(zip(datasets, recipe.data.train, strict=True))
    )
    return TrainingData(sources, joint, Batches(sources, joint, Sampler(model, recipe), recipe))
