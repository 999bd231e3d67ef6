"""How much of each earlier frame reaches the output of an OV2VSS, untrained or trained.

    python -m projects.toy.influence [--davis FOLDER] [--backbones lite0 mit-b2] [--option KEY=VALUE]
    python -m projects.toy.influence [--davis FOLDER] --runs RUN ...

One reference, or the distant frame, is replaced by a frame of another video; what is printed is the change of
an output relative to its spread, |x' - x| / |x - mean over positions of x|. An untrained model shows what its
wiring lets through. The pair is that of `tiny`, with its weights; of the backbones lite0 alone is trained.
Frames are DAVIS's or, without them, rendered.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from benchmarks.machine import describe
from openvss.data.synthetic.compositions import Composition
from openvss.data.synthetic.scenes import Scene
from openvss.models.base import FrameFeatures
from openvss.models.ov2vss.model import OV2VSS
from openvss.models.registry import build_model
from openvss.models.trained import load_model, load_pretrained
from openvss.video.images import read_image
from openvss.words.vocabulary import Vocabulary

BACKBONES = ("mit-b2", "resnet-101", "vit-b", "lite0")
SIZES = ((256, 448), (480, 864))
VIDEO, OTHER = "bmx-trees", "camel"
DISTANCES = (9, 6, 3, 0)
WORDS = Vocabulary.parse("person, bicycle, tree, road, sky, grass, wall, camel")


def untrained(backbone: str, options: dict[str, object]) -> OV2VSS:
    """The model, its pair trained, everything else as it starts."""
    torch.manual_seed(0)
    own: dict[str, object] = {"pair": "tiny", "templates": "plain", "pair_pixels": None}
    model = build_model(
        "ov2vss-mit-b2", {**own, "backbone": "pair" if backbone == "lite0" else backbone, **options}
    )
    assert isinstance(model, OV2VSS)
    load_pretrained(model.pair)  # type: ignore[arg-type]
    return model.eval()


def trained(run: Path, options: dict[str, object]) -> OV2VSS:
    """The model of a run."""
    model = load_model(str(run), options=options)
    assert isinstance(model, OV2VSS)
    return model.eval()


def frames_of(davis: Path | None, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The distant frame, t-9, t-6, t-3 and t of one video, (5, 3, H, W), and a frame of another one."""
    if davis is not None:
        files = sorted((davis / "data" / VIDEO / "origin").iterdir())
        own = [read_image(files[i]) for i in (0, *(40 - d for d in DISTANCES))]
        other = read_image(sorted((davis / "data" / OTHER / "origin").iterdir())[10])
    else:
        own = [_scene(1).render(40 - d, (size[1], size[0]))[0] for d in (40, *DISTANCES)]
        other = _scene(2).render(0, (size[1], size[0]))[0]
    clip = torch.from_numpy(np.stack([*own, other])).permute(0, 3, 1, 2).float() / 255
    clip = F.interpolate(clip, size, mode="bilinear", antialias=True)
    return clip[:-1], clip[-1:]


def _scene(seed: int) -> Scene:
    rng = random.Random(seed)
    looks = [Composition(c, t, s) for c, t, s in (("blue", "striped", "sky"), ("green", "checked", "ground"))]
    things = [
        Composition(c, "dotted", s) for c, s in (("red", "disc"), ("yellow", "star"), ("purple", "square"))
    ]
    if seed % 2 == 0:
        looks, things = looks[::-1], things[::-1]
    return Scene.draw(looks[0], looks[1], things, rng)


def outputs(model: OV2VSS, distant: FrameFeatures, clip: Sequence[FrameFeatures]) -> dict[str, Tensor]:
    """What STCF and RFE give, and the logits."""
    found: dict[str, Tensor] = {}
    hooks = [
        part.register_forward_hook(lambda _m, _i, out, name=name: found.update({name: out}))
        for name, part in (("STCF", model.stcf), ("RFE", model.rfe))
        if part is not None
    ]
    *references, target = clip
    context = model.summarise(model.compact(distant)) if model.context_frames(0, 1) else None
    fused, _ = model.fuse(target, [model.compact(reference) for reference in references], context)
    found["logits"] = model.score(fused, model.embed(WORDS)).logits
    for hook in hooks:
        hook.remove()
    return {name: x.float() for name, x in found.items()}


def change(now: Tensor, before: Tensor) -> float:
    """Relative to the spread over positions."""
    return float((now - before).norm() / (before - before.mean((2, 3), keepdim=True)).norm())


@torch.inference_mode()
def measure(
    model: OV2VSS, clip: Tensor, other: Tensor, precision: torch.dtype | None
) -> dict[str, list[float]]:
    """For each output its change when t-9, t-6, t-3 and the distant frame are replaced."""
    with torch.autocast("cpu", precision) if precision is not None else nullcontext():
        frames = [model.encode(frame[None]) for frame in (*clip, other[0])]
        *own, strange = frames
        plain = outputs(model, own[0], own[1:])
        table: dict[str, list[float]] = {name: [] for name in plain}
        for place in (1, 2, 3, 0):
            replaced = [*own[:place], strange, *own[place + 1 :]]
            for name, x in outputs(model, replaced[0], replaced[1:]).items():
                table[name].append(change(x, plain[name]))
    return table


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--davis", type=Path)
    parser.add_argument("--backbones", nargs="+", choices=BACKBONES, default=BACKBONES)
    parser.add_argument("--runs", nargs="+", type=Path, help="trained models, in place of the backbones")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="of the model")
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="how many of the two sizes")
    arguments = parser.parse_args(argv)
    print(describe())
    print("\n| backbone | size | precision | output | t-9 | t-6 | t-3 | distant | weakest / strongest |")
    print("| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |")
    given = (one.partition("=") for one in arguments.option)
    options = {key: yaml.safe_load(value) for key, _, value in given}
    for name in arguments.runs or arguments.backbones:
        model = untrained(name, options) if arguments.runs is None else trained(name, options)
        for size in SIZES[: arguments.sizes]:
            clip, other = frames_of(arguments.davis, size)
            for precision in (None, torch.bfloat16):
                for output, (*near, far) in measure(model, clip, other, precision).items():
                    numbers = [f"{x:.3f}" for x in (*near, far, min(near) / max(max(near), 1e-9))]
                    what = [
                        str(name),
                        f"{size[0]}x{size[1]}",
                        "fp32" if precision is None else "bf16",
                        output,
                    ]
                    print(f"| {' | '.join([*what, *numbers])} |", flush=True)


if __name__ == "__main__":
    main()
