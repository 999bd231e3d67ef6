"""What a run starts from: the model as the recipe builds it, its data, and weights of an earlier run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from openvss.data import base
from openvss.data.catalogue import LAYOUTS, open_dataset
from openvss.data.folder import has_train
from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.registry import build_model, options_of
from openvss.models.trained import load_pretrained, state_for
from openvss.training.data.batches import Batches
from openvss.training.data.frames import FrameSource
from openvss.training.data.held_out import without_held_out
from openvss.training.data.sampler import Sampler
from openvss.training.data.vocabulary import Joint, join
from openvss.training.groups import freeze
from openvss.training.recipe.schema import Recipe, TrainingSet
from openvss.training.validation import Check
from openvss.weights import checkpoint


@dataclass(frozen=True)
class Taken:
    """What was taken from a checkpoint.

    Attributes:
        file: The checkpoint.
        loaded: Names of tensors that were.
        missing: Of the model, and not in the file.
        unused: In the file, and not of the model.
        reshaped: In both, with different shapes; not taken.
        options: With which the file's model was built in another way, each with both values.
    """

    file: str
    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    reshaped: tuple[str, ...]
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        options = f"; built with other options: {', '.join(self.options)}" if self.options else ""
        parts = ", ".join(dict.fromkeys(name.partition(".")[0] for name in self.missing))
        return (
            f"{len(self.loaded)} tensors from {self.file}; {len(self.missing)} of the model are not in it"
            f"{f' ({parts})' if parts else ''}, "
            f"{len(self.unused)} of it are not used, {len(self.reshaped)} have other shapes{options}"
        )


def build(recipe: Recipe) -> tuple[VideoModel, Taken | None]:
    """The model before the first step: the same for a seed, on every process."""
    torch.manual_seed(recipe.seed)
    model = build_model(recipe.model.preset, options_for(recipe))
    if recipe.model.pretrained and not load_pretrained(model):
        raise InputError(
            f"No part of {recipe.model.preset} has published weights: model.pretrained is false."
        )
    taken = None
    if recipe.model.init_from is not None:
        taken = take_weights(model, Path(recipe.model.init_from), recipe.model.preset)
        taken = replace(taken, options=_other_options(recipe, Path(taken.file)))
    freeze(model, recipe.model.freeze)
    return model, taken


def options_for(recipe: Recipe) -> dict[str, object]:
    """All options that the model is built with: a checkpoint then does not depend on what defaults become."""
    options = {**options_of(recipe.model.preset), **recipe.model.options}
    if recipe.clip.references is not None:
        if "references" not in options:
            raise InputError(
                f"clip.references is set, but {recipe.model.preset} has no option references: leave it out."
            )
        options["references"] = list(recipe.clip.references)
    return options


def _other_options(recipe: Recipe, file: Path) -> tuple[str, ...]:
    """What a checkpoint of the same preset was built with otherwise: what fits may mean other things."""
    if not checkpoint.is_ours(file) or (note := checkpoint.read_metadata(file)).preset != recipe.model.preset:
        return ()
    now = json.loads(json.dumps(options_for(recipe)))  # as a checkpoint has them
    return tuple(
        f"{key} {note.options[key]} there and {value} here"
        for key, value in now.items()
        if key in note.options and note.options[key] != value
    )


def take_weights(model: nn.Module, path: Path, preset: str) -> Taken:
    """Fill what agrees in name and shape from a checkpoint or the folder of a run.

    Files of other software are read as far as the preset knows their names.
    """
    file = checkpoint.find_checkpoint(path)
    if file is None:
        raise InputError(f"There is no checkpoint {path} to start from: correct model.init_from.")
    state = state_for(preset, file)
    own: Mapping[str, Tensor] = model.state_dict()
    common = [name for name in own if name in state]
    fitting = [name for name in common if own[name].shape == state[name].shape]
    if not fitting:
        raise InputError(f"No tensor of {file} fits the model: check model.init_from and model.preset.")
    model.load_state_dict({name: state[name] for name in fitting}, strict=False)
    return Taken(
        file=str(file),
        loaded=tuple(fitting),
        missing=tuple(name for name in own if name not in state),
        unused=tuple(name for name in state if name not in own),
        reshaped=tuple(name for name in common if name not in set(fitting)),
    )


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The data of a run.

    Attributes:
        sources: Its data sets.
        joint: Their vocabulary.
        batches: What the steps take, by number.
    """

    sources: tuple[FrameSource, ...]
    joint: Joint
    batches: Dataset[Any]


def open_data(recipe: Recipe, model: VideoModel, checks: Sequence[Check] = ()) -> TrainingData:
    """Find the data sets, leave out what is held out for validation, and put their words together."""
    datasets = without_held_out([_open(one) for one in recipe.data.train], checks)
    joint = join(datasets, recipe.data.train)
    keep, earliest = recipe.data.cache, recipe.clip.earliest
    sources = tuple(
        FrameSource(number, dataset, setting, joint, keep=keep, earliest=earliest)
        for number, (dataset, setting) in enumerate(zip(datasets, recipe.data.train, strict=True))
    )
    return TrainingData(sources, joint, Batches(sources, joint, Sampler(model, recipe), recipe))


def _open(setting: TrainingSet) -> base.Dataset:
    name, _, root = setting.set.partition(":")
    split = setting.split
    if split is None and name in LAYOUTS:
        listed = name == "folder" and has_train(Path(root).expanduser())
        split = "train" if listed or "train" in LAYOUTS[name].splits else None
    return open_dataset(setting.set, split, labelled=setting.labels == "own")
