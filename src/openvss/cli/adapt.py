"""`openvss adapt`: a trained model, pictures or videos without labels, and words in; adapted weights out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openvss.cli.train import Changes, Cpu, DryRun, Json, Overwrite, Resume, require_packages, run_recipe


def adapt(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A checkpoint, the folder of a run, or a preset.")
    ],
    data: Annotated[
        list[str], typer.Option(help="Pictures, a folder of them, a video, or name:root; repeatable.")
    ],
    words: Annotated[
        str | None, typer.Option(help="What to tell apart; a data set (name:root) brings its own words.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights for a preset to start from, such as SED's own."),
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(metavar="NAME:ROOT", help="Labelled data to score before, after and in between."),
    ] = None,
    every: Annotated[float, typer.Option(min=0.001, help="Seconds between frames taken from a video.")] = 1.0,
    changes: Changes = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the pictures, the recipe and the run.")
    ] = Path("runs/adapted"),
    resume: Resume = False,
    overwrite: Overwrite = False,
    cpu: Cpu = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Adapt a trained model to pictures and videos without labels, by self-training.

    Example: `openvss adapt tiny --data drive.mp4 --words "road, car, person, sky"`
    """
    require_packages()
    from openvss.training.adapt import write_recipe

    run_recipe(
        write_recipe(model, data, words, out, every, weights, check),
        out / "run",
        changes,
        resume=resume,
        overwrite=overwrite,
        cpu=cpu,
        dry_run=dry_run,
        as_json=as_json,
    )
