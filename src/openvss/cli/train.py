"""`openvss train`: a recipe in, trained weights out."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from openvss.cli.progress import emit
from openvss.cli.stopping import resumable
from openvss.cli.training_progress import watching
from openvss.errors import InputError


def train(
    recipe: Annotated[
        Path | None, typer.Argument(metavar="[RECIPE.yaml]", help="What to train; see docs/train.md.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key, such as schedule.steps=100."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run.", show_default="runs/<name of the recipe>")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in the folder.")] = False,
    cpu: Annotated[bool, typer.Option("--cpu", help="Leave accelerators alone.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, after a few steps that leave nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print machine-readable lines instead of a bar.")
    ] = False,
    adapt: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Instead of a recipe: a trained model to adapt to --data."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="With --adapt: pictures, a folder of them, a video, or name:root; repeatable."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --adapt PRESET: weights to start from, such as SED's own."),
    ] = None,
    words: Annotated[str | None, typer.Option(help="With --adapt: what to tell apart in the data.")] = None,
    every: Annotated[
        float | None,
        typer.Option(
            min=0.001, help="With --adapt: seconds between frames taken from a video.", show_default="1"
        ),
    ] = None,
) -> None:
    """Train a model by a recipe, or adapt a trained one to pictures and videos without labels.

    Examples: `openvss train recipes/synthetic.yaml`,
    `torchrun --nproc-per-node 4 -m openvss train recipes/ov2vss/vspw-mit-b2.yaml --out runs/b2`,
    `openvss train --adapt tiny --data drive.mp4 --words "road, car, person, sky"`
    """
    if find_spec("accelerate") is None:
        raise InputError(
            "Training needs more packages: run pip install 'openvss[train]' (in a checkout '.[train]')."
        )
    if (recipe is None) == (adapt is None) or (adapt is None) != (data is None):
        raise InputError("Give a recipe; or --adapt MODEL with --data, and --words for what has none.")
    if adapt is None and (words is not None or every is not None or weights is not None):
        raise InputError("--words, --every and --weights go with --adapt only: leave them out.")
    if adapt is not None:
        from openvss.training.adapt import write_recipe

        whole = out or Path("runs/adapted")
        recipe, folder = write_recipe(adapt, data or [], words, whole, every or 1.0, weights), whole / "run"
    else:
        assert recipe is not None
        folder = out or Path("runs") / recipe.stem

    from openvss.training.recipe.reader import read_stages

    stages = read_stages(recipe, overrides or [])

    from openvss.training.run import RunOptions, plan
    from openvss.training.run import train as train_stages

    options = RunOptions(resume=resume, overwrite=overwrite, cpu=cpu)
    if dry_run:
        for line in plan(stages, options):
            typer.echo(line)
        return
    with resumable(overwrite=overwrite), watching(as_json) as watcher:
        last = train_stages(stages, folder, options, watcher)
    if as_json:
        emit("done", out=str(last))
    else:
        typer.echo(str(last))
