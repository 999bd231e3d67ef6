"""Train the bundled model: `python -m projects.tiny projects/tiny/recipe.yaml --out RUN`."""

from __future__ import annotations

import argparse
from pathlib import Path

from openvss.cli.training_progress import watching
from openvss.errors import InputError, Stopped
from openvss.training.recipe.reader import read_stages
from openvss.training.run import RunOptions
from projects.tiny.rounds import VIEWS, train


def main() -> None:
    """Parse the command line, train, say where the weights are."""
    parser = argparse.ArgumentParser(prog="python -m projects.tiny", description="Train the bundled model.")
    parser.add_argument("recipe", type=Path, help="projects/tiny/recipe.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the runs and 3 GB of features")
    parser.add_argument("--resume", action="store_true", help="resume an interrupted run")
    parser.add_argument("--views", type=int, default=VIEWS)
    given = parser.parse_args()
    try:
        with watching(as_json=False) as watcher:
            options = RunOptions(resume=given.resume, cpu=True)
            print(train(read_stages(given.recipe, given.set), given.out, options, watcher, given.views))
    except InputError as error:
        parser.error(str(error))
    except Stopped:
        parser.exit(1, "Stopped; the same command with --resume continues.\n")


if __name__ == "__main__":
    main()
