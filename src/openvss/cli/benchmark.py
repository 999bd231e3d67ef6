"""`openvss benchmark`: what models cost on this machine."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from openvss.cli.options import ThreadsOption, parse_options, use_threads, width_and_height

if TYPE_CHECKING:
    from openvss.models.cost import Cost, Subject

app = typer.Typer(help="Measure what models cost on this machine.", no_args_is_help=True)


@app.callback()
def benchmark() -> None:
    """Measure what models cost on this machine."""


@app.command("model")
def model(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            help="Models to compare. One alone is compared with its baseline, if it has one: cffm-b1 with "
            "segformer-b1.",
            show_default=False,
        ),
    ],
    size: Annotated[
        str, typer.Option(metavar="WxH", help="Width and height of a frame, in pixels.")
    ] = "853x480",
    batch: Annotated[int, typer.Option(min=1, help="Videos at a time.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="Frames to time; the median counts.")] = 10,
    words: Annotated[str, typer.Option(help="For models that take any words.")] = "vspw",
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="An option of the named models (`openvss models show NAME`), such as layers=1; repeatable.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    threads: ThreadsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Parameters, multiply-adds, time and memory of a frame: streaming, and with references encoded anew.

    FPS is batch / seconds. If a model has a context of the whole video (CFFM++'s prototypes), making it
    counts once for 71 frames, the length of VSPW's validation videos on average: of frames encoded already
    when streaming, and with these frames encoded in a clip. The CFFM paper's FPS are those of --batch 2.
    """
    from openvss.models.cost import measure

    use_threads(threads)
    width, height = width_and_height(size, "853x480", least=32)
    options = parse_options(option)
    given = {name: options if name in names else {} for name in with_baseline(names)}
    subjects = [_subject(name, o, (height, width), batch, words, device) for name, o in given.items()]
    costs = measure(subjects, rounds)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(cost) for cost in costs], indent=2))
    else:
        _print(costs)


def with_baseline(names: Sequence[str]) -> list[str]:
    """A single CFFM gets the SegFormer of its size beside it."""
    from openvss.models.registry import PRESETS

    if len(names) == 1:
        system, _, rest = names[0].rpartition("-")
        baseline = f"segformer-{rest}"
        if system.startswith("cffm") and baseline in PRESETS:
            return [baseline, *names]
    return list(names)


def _subject(
    name: str, options: Mapping[str, object], size: tuple[int, int], batch: int, words: str, device: str
) -> Subject:
    import torch

    from openvss.engines.device import choose_device
    from openvss.models.cost import Subject
    from openvss.models.registry import build_model
    from openvss.words.vocabulary import Vocabulary

    torch.manual_seed(0)
    built = build_model(name, options).to(choose_device(device))
    return Subject(name, built, built.embed(built.fixed_words or Vocabulary.parse(words)), size, batch)


def _print(costs: Sequence[Cost]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(
        Column("model", min_width=max(len(cost.name) for cost in costs)),
        "params\n(M)", "GMACs\nstream", "GMACs\nclip", "ms\nstream", "ms\nclip", "FPS\nstream", "FPS\nclip",
        "memory\n(MB)",
        box=None, pad_edge=False,
    )  # fmt: skip
    for cost in costs:
        first = costs[0]
        times = cost.streaming_ms / first.streaming_ms
        table.add_row(
            cost.name,
            f"{cost.parameters / 1e6:.2f}",
            f"{cost.streaming_macs / 1e9:.1f}",
            f"{cost.clip_macs / 1e9:.1f}",
            f"{cost.streaming_ms:.0f}" + ("" if cost is first else f" ({times:.2f} x)"),
            f"{cost.clip_ms:.0f}",
            f"{cost.streaming_fps:.1f}",
            f"{cost.clip_fps:.1f}",
            f"{cost.memory / 1e6:.0f}",
        )
    Console().print(table)
