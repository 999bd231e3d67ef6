"""How often the host would wait for a GPU, without having one: `python -m benchmarks.syncs`.

Models run on a pretended device (`benchmarks.pretend`). A wait is a number that the host needs, a result
whose size it must know, or a transfer to it; each keeps a real GPU idle until the host has read it and found
the next work. Operations are what the device is told to do, about one kernel each. Frames are noise, and the
third is counted. Steps of training are those of the small recipes on rendered videos.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from accelerate.state import AcceleratorState

from benchmarks.machine import describe
from benchmarks.pretend import PretendDevice
from openvss.data.make import make
from openvss.data.synthetic.job import RenderOptions
from openvss.engines.pytorch import TorchEngine
from openvss.models.base import VideoModel
from openvss.models.registry import find_preset
from openvss.models.trained import load_model
from openvss.models.words import WordEmbeddings
from openvss.segmenting.segmenter import Segmenter
from openvss.training import safety
from openvss.training.data.batches import open_data
from openvss.training.recipe.reader import read_stages
from openvss.training.recipe.schema import Recipe
from openvss.training.setup import TrainingSetup, assemble, build

RECIPES = Path(__file__).parents[1] / "recipes"
SIZES = ((480, 853), (1080, 1920))
WORDS = 20
MODELS = ("tiny", "ov2vss-mit-b2", "segformer-b0", "cffm-b0", "cffm++-b0", "regions-tiny")
# CFFM++ that makes prototypes in the step, and starts from nothing
OWN_CONTEXT = ("clip.context=own", "clip.context_size=10", "targets=null", "model.init_from=null")
# recipe, the set of changes that make it small, and further ones
TRAINED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("ov2vss/vspw-mit-b2.yaml", "ov2vss/small-mit-b2.set", ()),
    ("cffm/vspw.yaml", "cffm/small-vspw.set", ()),
    ("cffm/vspw-plusplus.yaml", "cffm/small-vspw-plusplus.set", OWN_CONTEXT),
)


@dataclass(frozen=True)
class Count:
    """Of one frame or one step."""

    waits: Counter[str]
    operations: int
    passes: tuple[int, ...] = ()

    @property
    def row(self) -> str:
        """Cells of a table."""
        what = ", ".join(f"{n} x {name.removeprefix('aten.')}" for name, n in self.waits.most_common())
        return f"{self.waits.total()} | {what} | {self.operations}"


def of_frame(segmenter: Segmenter, size: tuple[int, int]) -> Count:
    """A frame of a video that has begun."""
    frames = np.random.default_rng(0).integers(0, 256, (3, *size, 3), np.uint8)
    words = segmenter.model.embed(segmenter.vocabulary)
    with PretendDevice() as device:
        assert isinstance(segmenter.engine, TorchEngine)
        segmenter.engine.device = torch.device(device.name)
        _keep_words(segmenter.model.to(segmenter.engine.device), words)
        segmenter.set_words(segmenter.vocabulary)
        for frame in frames:
            device.waits.clear()
            device.operations = 0
            segmenter.step(frame)
    return Count(device.waits, device.operations)


def of_step(recipe: Recipe, folder: Path) -> Count:
    """A step of training, after one that builds what is built once."""
    model, _ = build(recipe)
    words = model.embed(open_data(recipe, model).joint.vocabulary)
    with PretendDevice() as device:
        parts = _assemble(recipe, folder, device)
        _keep_words(parts.model, words)
        batches = iter([parts.data.batches[n] for n in range(2 * recipe.data.accumulate)])
        passes: list[int] = []
        backbone = parts.model.get_submodule("backbone")
        backbone.register_forward_pre_hook(lambda _, given: passes.append(len(given[0])))
        for step in range(2):
            device.waits.clear()
            device.operations = 0
            passes.clear()
            parts.stepper.take(step, batches, safety.StopRequest())
    return Count(device.waits, device.operations, tuple(passes))


def _keep_words(model: VideoModel, words: WordEmbeddings) -> None:
    """Text is not what is counted, and the model has it already."""
    there = WordEmbeddings(words.names, words.embeddings.to(model.device))
    model.embed = lambda vocabulary: there  # type: ignore[method-assign]


def _assemble(recipe: Recipe, folder: Path, device: PretendDevice) -> TrainingSetup:
    """As for training, but that accelerate takes the device for its own."""
    PartialState._reset_state()
    AcceleratorState._reset_state()
    PartialState(cpu=True).device = torch.device(device.name)
    keeping = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)  # the optimiser has the parameters already
    try:
        return assemble(recipe, folder, cpu=True)
    finally:
        torch.__future__.set_swap_module_params_on_conversion(keeping)
        PartialState._reset_state()


def small(name: str, changes: str, data: Path, further: Sequence[str] = ()) -> Recipe:
    """The small twin of a recipe, without validation."""
    words = (RECIPES / changes).read_text(encoding="utf-8").split()
    more = [f"data.train.0.set=vspw:{data}", "validation=null", "precision=fp32", *further]
    gone = tuple(change.removesuffix("=null") for change in more if change.endswith("=null"))
    kept = [word for word in words if word != "--set" and not word.startswith(gone)]
    return read_stages(RECIPES / name, [*kept, *more])[0].recipe


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(describe())
    print(f"\n| a frame, {WORDS} words | size | waits | by | operations |\n| --- | --- | ---: | --- | ---: |")
    for name in MODELS:
        for size in SIZES:
            print(f"| `{name}` | {size[1]}x{size[0]} | {of_frame(ready(name), size).row} |", flush=True)
    print(
        "\n| a step of training | clips | waits | by | operations | passes of the backbone, frames in each |"
    )
    print("| --- | ---: | ---: | --- | ---: | --- |")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "vspw"
        make("vspw", data, 0, RenderOptions(videos=4))
        for recipe, changes, further in TRAINED:
            settings = small(recipe, changes, data, further)
            count = of_step(settings, Path(folder))
            clips = f"{settings.data.accumulate} x {settings.data.batch}"
            passes = f"{len(count.passes)}: {', '.join(map(str, count.passes))}"
            print(f"| `{recipe}` | {clips} | {count.row} | {passes} |", flush=True)


def ready(name: str) -> Segmenter:
    """A model with its words; what has no trained weights is there at random, which changes no count."""
    trained = find_preset(name).weights is not None or bool(find_preset(name).parts)
    model = load_model(name, untrained=not trained)
    words = model.fixed_words and ", ".join(model.fixed_words.names[:WORDS])
    return Segmenter(model, words or ", ".join(f"word {i}" for i in range(WORDS)), device="cpu")


if __name__ == "__main__":
    main()
