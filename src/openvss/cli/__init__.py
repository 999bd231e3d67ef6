"""The command line: one file per command; torch is imported inside the commands only."""

from __future__ import annotations

import signal
import sys
import warnings
from types import FrameType

import typer

from openvss.cli import adapt, benchmark, compare, data, evaluate, models, runs, segment, submit, train
from openvss.cli.scoring import ScoringHelp
from openvss.cli.usage import UsageError, sentence
from openvss.errors import OpenVSSError, Stopped, is_out_of_memory

app = typer.Typer(
    name="openvss",
    help="Open-vocabulary video semantic segmentation: a video and a list of words in, every pixel labelled.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command("segment")(segment.segment)
app.command("evaluate", cls=ScoringHelp)(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("submit", cls=ScoringHelp)(submit.submit)
app.command("train")(train.train)
app.command("adapt")(adapt.adapt)
app.add_typer(benchmark.app, name="benchmark")
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.add_typer(runs.app, name="runs")


@app.callback(invoke_without_command=True)
def options(version: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    """Options before any command."""
    if version:
        from openvss import __version__

        typer.echo(f"openvss {__version__}")
        raise typer.Exit


def main() -> None:
    """Run a command; errors end as one sentence and an exit code: 2 wrong arguments or input, 1 failed."""
    warnings.filterwarnings("ignore", module=r"PIL\.")  # what is wrong with a picture is said in a sentence
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    try:
        code = app(prog_name="openvss", standalone_mode=False)
    except UsageError as error:
        if text := sentence(error):
            typer.echo(f"openvss: {text}", err=True)
        sys.exit(2)
    except OpenVSSError as error:
        typer.echo(f"openvss: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        typer.echo(f"openvss: {_about(error)}", err=True)
        sys.exit(1)
    except Stopped:
        typer.echo("openvss: stopped.", err=True)
        sys.exit(1)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        typer.echo("openvss: out of memory: lower --size, or give fewer words.", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _about(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename is None:
        return f"What this command prints cannot be written ({reason}): free some space or print elsewhere."
    return f"{error.filename} cannot be used ({reason}): check the path and its permissions."


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped
