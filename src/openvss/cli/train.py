"""`openvss train`: a recipe in, trained weights out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openvss.cli.progress import emit
from openvss.cli.training_progress import watching


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.yaml", help="What to train; see docs/train.md.")],
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
) -> None:
    """Train a model by a recipe.

    Examples: `openvss train recipes/synthetic.yaml`,
    `torchrun --nproc-per-node 4 -m openvss train recipes/ov2vss/mit-b2.yaml --out runs/b2`
    """
    from openvss.training.recipe_file import read_stages

    stages = read_stages(recipe, overrides or [])

    from openvss.training.run import Options, plan
    from openvss.training.run import train as train_stages

    folder = out or Path("runs") / recipe.stem
    options = Options(resume=resume, overwrite=overwrite, cpu=cpu)
    if dry_run:
        for line in plan(stages, options):
            typer.echo(line)
        return
    with watching(as_json) as watcher:
        last = train_stages(stages, folder, options, watcher)
    if as_json:
        emit("done", out=str(last))
    else:
        typer.echo(str(last))
