"""Self-training for users: a trained model, pictures or videos without labels, and words become a recipe."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from PIL import Image
from torch import nn

from openvss.data.catalogue import LAYOUTS
from openvss.errors import InputError
from openvss.models.registry import PRESETS, build_model
from openvss.models.trained import pretrained_parts, state_for
from openvss.storage.settings import read_settings
from openvss.training.optimisation import matches
from openvss.training.recipe.schema import LAST, WordChoice
from openvss.training.runs.folder import STATUS
from openvss.video.images import frame_files
from openvss.video.sources import Source, open_source
from openvss.weights import bundled
from openvss.weights.checkpoint import find_checkpoint, is_ours, read_metadata
from openvss.weights.strict import compare, require_fit
from openvss.words.vocabulary import Vocabulary

RECIPE, PICTURES = "adapt.yaml", "pictures"
MOST_WORDS = 171  # in a step: as many as stage 1 of STSeg has
SED_PRESETS, SED_WORDS = ("sed-b", "sed-b-fast"), "coco-stuff"  # what the authors' file was trained with
ROUND = 250  # steps
PAIR_RATE, BACKBONE_RATE = 0.01, 0.1  # of the rate, as in the recipes of SED and of OV2VSS


@dataclass(frozen=True)
class Start:
    """A trained model.

    Attributes:
        preset: What it is built by.
        options: What it is built with.
        file: Its weights.
        seen: The words that labels have taught it; None if they are not known.
    """

    preset: str
    options: dict[str, object]
    file: Path
    seen: str | None = None


def write_recipe(
    model: str,
    data: Sequence[str],
    words: str | None,
    out: Path,
    every: float,
    weights: Path | None = None,
    check: str | None = None,
) -> Path:
    """Gather the pictures in `out/pictures` and write `out/adapt.yaml`, which trains on them.

    Args:
        model: A checkpoint, the folder of a run, or a preset with weights of its own.
        data: Data sets as `name:root`, whose labels are not read; folders of pictures, pictures, videos.
        words: What the model is to tell apart; None if all data are data sets, which bring their words.
        out: Folder of the pictures, the recipe and the run.
        every: Seconds between two frames that are taken from a video.
        weights: A file for the preset to start from, ours or of other software.
        check: A data set as `name:root` with labels that the model is scored on, not trained.
    """
    start = find_start(model, weights)
    sets = [spec for spec in data if spec.partition(":")[0] in LAYOUTS]
    others = [spec for spec in data if spec not in sets]
    if others and words is None:
        raise InputError("Pictures and videos do not name any words: give --words.")
    if sets and words is not None:
        raise InputError(
            f"{sets[0]} brings its own words: leave --words out, or give its folder of pictures."
        )
    out.mkdir(parents=True, exist_ok=True)
    if words is not None:
        sets.append(gather(others, Vocabulary.parse(words), out / PICTURES, every))
    file = out / RECIPE
    content = yaml.safe_dump(_recipe(start, sets, check), sort_keys=False, allow_unicode=True)
    file.write_text(f"# Self-training, written by `openvss adapt`\n{content}", encoding="utf-8")
    return file


def find_start(model: str, weights: Path | None = None) -> Start:
    """A trained model by preset or path."""
    if weights is not None:
        return _with_weights(model, weights)
    if model in PRESETS:
        own = PRESETS[model].weights
        if own is None:
            raise InputError(
                f"There are no trained weights of {model}: give a file with --weights, or a checkpoint."
            )
        return Start(model, {}, bundled.path(own))
    file = find_checkpoint(Path(model))
    if file is None:
        raise InputError(f"No checkpoint was found at {model}: name a file, a run or a preset.")
    note = read_metadata(file)
    status = next(read_settings([file.parent / STATUS]), {})
    return Start(note.preset, note.options, file, ", ".join(status.get("labelled_words", ())) or None)


def _with_weights(model: str, file: Path) -> Start:
    """A preset and a file, which must have all of its weights."""
    if model not in PRESETS:
        raise InputError(f"--weights needs a preset, and {model} is not one: leave --weights out.")
    if is_ours(file):
        start = find_start(str(file))
        if start.preset != model:
            raise InputError(f"{file} holds weights of {start.preset}, not of {model}: leave --weights out.")
        return start
    state = state_for(model, file)
    with torch.device("meta"):
        require_fit(compare(build_model(model), state, str(file)))
    return Start(model, {}, file.absolute(), SED_WORDS if model in SED_PRESETS else None)


def gather(data: Sequence[str], vocabulary: Vocabulary, folder: Path, every: float) -> str:
    """Copy pictures and frames of videos into a `folder:` set without labels, unless it exists."""
    made_of = {"data": list(data), "every": every, "words": [str(label) for label in vocabulary]}
    note = folder / "made_of.json"
    if note.exists():
        if json.loads(note.read_text(encoding="utf-8")) != made_of:
            raise InputError(f"{folder} was gathered from other data or words: choose another --out.")
        return f"folder:{folder}"
    draft = folder.with_name(f".{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "images").mkdir(parents=True)
    for spec in data:
        for name, picture in _pictures(spec, every):
            target = draft / "images" / name
            if target.exists():
                raise InputError(f"Two pictures of the data are called {name}: rename one.")
            if isinstance(picture, Path):
                shutil.copyfile(picture, target)
            else:
                picture.save(target)
    lines = [f"{number} {label}\n" for number, label in enumerate(vocabulary)]
    (draft / "classes.txt").write_text("".join(lines), encoding="utf-8")
    (draft / note.name).write_text(json.dumps(made_of, indent=2) + "\n", encoding="utf-8")
    draft.replace(folder)
    return f"folder:{folder}"


def _pictures(spec: str, every: float) -> Iterator[tuple[str, Path | Image.Image]]:
    path = Path(spec).expanduser()
    if path.is_dir():
        files = frame_files(path.iterdir())
        if not files:
            raise InputError(f"The folder {spec} holds no pictures: name a folder of pictures or a video.")
        yield from ((file.name, file) for file in files)
        return
    source = open_source(spec)
    if source.kind in ("camera", "stream"):
        raise InputError(f"{spec} never ends: record it first, then give the file.")
    if source.kind == "video":
        yield from _frames(source, every)
    else:
        yield from ((file.name, file) for file in source.files)


def _frames(source: Source, every: float) -> Iterator[tuple[str, Image.Image]]:
    """The first frame of a video in each stretch of `every` seconds."""
    due = 0.0
    for frame in source:
        if frame.time >= due:
            due = (float(frame.time) // every + 1) * every
            yield f"{Path(source.name).stem}_{frame.index:06}.png", Image.fromarray(frame.pixels)


def _recipe(start: Start, sets: Sequence[str], check: str | None) -> dict[str, Any]:
    """Four rounds, each with new labels; every key can be changed with --set."""
    model = build_model(start.preset, start.options)
    weights = {} if start.seen is None else {"seen": start.seen, "alpha": WordChoice().alpha}
    scored = {"on": [{"set": check}], "every": ROUND, "before": True, "best": LAST}
    return {
        "model": {"preset": start.preset, "options": dict(start.options), "init_from": str(start.file)},
        "data": {"train": [{"set": spec, "labels": "made"} for spec in sets], "batch": 4},
        "view": {
            "crop": [model.size, model.size],
            "base": [4 * model.size, model.size],
            "ratio": [0.75, 1.5],
            "category_share": 1.0,
        },
        "words": {"cap": MOST_WORDS, "balance": 0.0 if model.independent_words else 1.0, **weights},
        "targets": {"maker": "pseudo-labels", "every": ROUND, "options": {"prior": "edges"}},
        "optimiser": {
            "lr": 2e-5,
            "weight_decay": 1e-4,
            "clip_norm": 1.0,
            "rates": lowered_rates(model),
        },
        "schedule": {"steps": 4 * ROUND, "warmup": 20, "shape": "constant"},
        **({} if check is None else {"validation": scored}),
    }


def lowered_rates(model: nn.Module) -> dict[str, float]:
    """Lower rates for encoders that were pretrained on far more pictures.

    Empty for a model that is nothing but its encoder, such as `tiny`: that is what is to be trained.
    """
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    rates: dict[str, float] = {}
    for part, module in pretrained_parts(model).items():
        inside = {name for name in trained if matches(name, part)}
        if inside:
            rates[part] = PAIR_RATE if hasattr(module, "text") else BACKBONE_RATE
            trained -= inside
    return rates if trained else {}
