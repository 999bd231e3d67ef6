"""The command line: one file per command; torch is imported inside the commands only."""

from __future__ import annotations

import signal
import sys
import warnings
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import typer

from openvss.cli import (
    adapt,
    benchmark,
    compare,
    data,
    evaluate,
    export,
    info,
    models,
    runs,
    segment,
    submit,
    train,
)
from openvss.cli.progress import emit
from openvss.cli.scoring import ScoringHelp
from openvss.cli.usage import UsageError, sentence
from openvss.errors import OpenVSSError, Stopped, is_out_of_memory

app = typer.Typer(
    name="openvss",
    help="Open-vocabulary video semantic segmentation: a video and a list of words in, every pixel labelled.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command("segment")(segment.segment)
app.command("evaluate", cls=ScoringHelp)(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("submit", cls=ScoringHelp)(submit.submit)
app.command("train")(train.train)
app.command("adapt")(adapt.adapt)
app.command("export")(export.export)
app.command("info")(info.info)
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
        _end(sentence(error), 2)
    except OpenVSSError as error:
        _end(str(error), error.exit_code)
    except OSError as error:
        _end(_about(error), 1)
    except Stopped:
        _end("stopped.", 1)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        _end("out of memory: lower --size, or give fewer words.", 1)
    sys.exit(code if isinstance(code, int) else 0)


def _end(message: str, code: int) -> NoReturn:
    """Say why, with `--json` also as a line of JSON; nothing if the help has been shown instead."""
    if message and "--json" in sys.argv[1:]:
        with suppress(OSError):  # what has to be said may be that nothing can be printed
            emit("error", message=message, exit_code=code)
    if message:
        typer.echo(f"openvss: {message}", err=True)
    sys.exit(code)


def _about(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename is None:
        return f"What this command prints cannot be written ({reason}): free some space or print elsewhere."
    return f"{error.filename} cannot be used ({reason}): check the path and its permissions."


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped
