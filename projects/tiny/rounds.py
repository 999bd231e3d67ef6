"""Train the bundled model in rounds.

The backbone and its ImageNet classifier stay as they came. What is between them and the text space is trained
on the features of random views, which are kept on disk: each position is classified by its cosine
with the embeddings of 133 words. Four things make more words than those work: the classifier's 1,000 names
have a path of their own and keep teaching, synonyms are drawn at random, VOC's background only has to be
"none of the 20", and each round labels that background for the next. The third adds drawn streets and rooms.

Rounds are stages of one recipe on the training engine, which reads its data, sizes of batch and view,
seed, optimiser, schedule and the like; it has no use for clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openvss.errors import InputError
from openvss.models.words import TextEncoder
from openvss.training.recipe.reader import Stage
from openvss.training.recipe.schema import Recipe
from openvss.training.run import RunOptions, train_stage
from openvss.training.runs.log import Watcher
from openvss.weights import bundled
from openvss.weights.checkpoint import find_checkpoint
from projects.tiny.backgrounds import label_backgrounds
from projects.tiny.cache import Shelf, fill, relabel
from projects.tiny.material import TrainingMaterial
from projects.tiny.weights import load, untrained

VIEWS = 8000
FOR_A_STREET, FOR_A_ROOM = 4, 10  # views
STAGES = ("first", "second", "third")


def train(
    stages: Sequence[Stage],
    out: Path,
    options: RunOptions,
    watcher: Watcher,
    views: int = VIEWS,
    text: TextEncoder | None = None,
) -> Path:
    """The weights as they ship, in a folder that also holds the stages' runs and 3 GB of features."""
    if tuple(stage.name for stage in stages) != STAGES:
        raise InputError(f"The recipe of tiny has the stages {', '.join(STAGES)}.")
    first, second, third = (stage.recipe for stage in stages)
    runs = [out / f"{place + 1}-{name}" for place, name in enumerate(STAGES)]
    out.mkdir(parents=True, exist_ok=True)
    material = TrainingMaterial(first, text)
    _write(out / "manifest.txt", material.manifest(views))

    features = out / "views"
    cache = fill(features, material.views(), untrained(text).pair.backbone, views, watcher)
    train_stage(first, runs[0], options, watcher, material.assembler(cache))

    drawn = [
        fill(out / name, scenes, untrained(text).pair.backbone, -(-views // share), watcher)
        for name, scenes, share in (
            ("streets", material.streets(), FOR_A_STREET),
            ("rooms", material.rooms(), FOR_A_ROOM),
        )
    ]
    for recipe, before, run, more in ((second, runs[0], runs[1], ()), (third, runs[1], runs[2], drawn)):
        file = out / f"backgrounds-{run.name}.npz"
        behind = label_backgrounds(load(before, text), material, file, watcher)
        cache = relabel(out / f"labels-{run.name}", features, material.views(behind), watcher)
        train_stage(_after(before, recipe), run, options, watcher, material.assembler(Shelf(cache, *more)))
    weights = out / "tiny.safetensors"
    bundled.save(load(runs[2], text), weights)
    return weights


def _write(file: Path, manifest: list[str]) -> None:
    """What is trained on; a folder of another training is refused."""
    text = "\n".join(manifest) + "\n"
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise InputError(f"{file} lists other pictures, words or views: choose another --out.")
    file.write_text(text, encoding="utf-8")


def _after(run: Path, recipe: Recipe) -> Recipe:
    """The recipe of a stage that starts from what an earlier one came to."""
    file = find_checkpoint(run)
    assert file is not None
    model = recipe.model.model_copy(update={"init_from": str(file.absolute())})
    return recipe.model_copy(update={"model": model})
