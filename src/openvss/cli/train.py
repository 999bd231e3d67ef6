"""`openvss train`: a recipe in, trained weights out."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from openvss.cli.progress import emit, resumable
from openvss.cli.training_progress import watching
from openvss.errors import InputError

# Options that `openvss adapt` has as well.
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a key of the recipe, such as schedule.steps=100."
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the run in the folder.")]
Cpu = Annotated[bool, typer.Option("--cpu", help="Compute on the CPU, without an accelerator.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print what would be done, after trying a few steps; nothing is written."),
]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable lines instead of a bar.")]


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.yaml", help="What to train; see docs/train.md.")],
    changes: Changes = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the run.", show_default="runs/<name of the recipe>"),
    ] = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    cpu: Cpu = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Train a model by a recipe.

    Examples: `openvss train recipes/synthetic.yaml`,
    `torchrun --nproc-per-node 4 -m openvss train recipes/ov2vss/vspw-mit-b2.yaml --out runs/b2`
    """
    require_packages()
    run_recipe(
        recipe,
        out or Path("runs") / recipe.stem,
        changes,
        resume=resume,
        overwrite=overwrite,
        cpu=cpu,
        dry_run=dry_run,
        as_json=as_json,
    )


def require_packages() -> None:
    """Training needs packages that segmenting does not."""
    if find_spec("accelerate") is None:
        raise InputError(
            "Training needs more packages: run pip install 'openvss[train]' (in a checkout '.[train]')."
        )


def run_recipe(
    recipe: Path,
    folder: Path,
    changes: list[str] | None,
    *,
    resume: bool,
    overwrite: bool,
    cpu: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train by a recipe in a folder, or print what that would do; the last line names the result's folder."""
    from openvss.training.recipe.reader import read_stages

    stages = read_stages(recipe, changes or [])

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
