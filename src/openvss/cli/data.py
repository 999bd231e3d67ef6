"""`openvss data`: make, check and prepare data sets."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import typer

from openvss.cli.filled_help import either, filled
from openvss.cli.options import width_and_height
from openvss.cli.progress import emit, progress
from openvss.errors import InputError, OpenVSSError, Stopped

app = typer.Typer(no_args_is_help=True, help="Make, check and prepare data sets.")


def _preparable() -> str:
    from openvss.data.prepare import preparable

    return either(preparable())


def _variants() -> str:
    from openvss.data.catalogue import LAYOUTS

    return " or ".join(name for layout in LAYOUTS.values() for name in layout.variants)


@app.command("check")
def check(
    data: Annotated[str, typer.Argument(metavar="NAME:ROOT", help="Such as vspw:/data/VSPW_480p.")],
    split: Annotated[
        str | None, typer.Option(help="Part of the data set.", show_default="val; all of a folder")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable lines.")] = False,
) -> None:
    """Read every file of a data set and print a sentence for each problem; exit code 2 if there is one."""
    from openvss.data import check as checking

    problems = 0
    with _Work("checking", as_json, "Stopped before everything was checked.", "clips") as work:
        for problem in checking.check(data, split, work.update):
            problems += 1
            if as_json:
                emit("problem", message=problem)
            else:
                typer.echo(problem)
    if problems:
        raise InputError(f"{data} has {problems} problem{'s' if problems > 1 else ''}: see above.")
    summary = checking.summary(data, split)
    if as_json:
        emit("done", summary=summary)
    else:
        typer.echo(f"All is well with {summary}")


@app.command("overlap")
def overlap(
    data: Annotated[str, typer.Argument(metavar="NAME:ROOT", help="Such as vspw:/data/VSPW_480p.")],
    split: Annotated[
        str | None, typer.Option(help="Part of the data set.", show_default="val; all of a folder")
    ] = None,
    gap: Annotated[int, typer.Option(min=1, help="How many frames the two masks are apart.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable lines.")] = False,
) -> None:
    """Compare the ground truth of consecutive frames: mIoU of the two, and pixels that keep their label."""
    from openvss.data.catalogue import open_dataset
    from openvss.evaluation.overlap import overlap as run

    with _Work("comparing", as_json, "Stopped before everything was compared.", "clips") as work:
        found = run(open_dataset(data, split), gap, work.update)
    if as_json:
        emit("done", **asdict(found), gap=gap)
    else:
        apart = "consecutive frames" if gap == 1 else f"frames {gap} apart"
        typer.echo(
            f"mIoU {100 * found.miou:.1f} %, and {100 * found.kept:.1f} % of the pixels keep their label: "
            f"{found.pairs} pairs of {apart}."
        )


@app.command("prepare", cls=filled(preparable=_preparable))
def prepare(
    name: Annotated[str, typer.Argument(metavar="NAME", help="{preparable}.")],
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Folder of the released data set.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable lines.")] = False,
) -> None:
    """Turn released labels into labels that can be read at once; if interrupted, the same command resumes."""
    from openvss.data.prepare import prepare as run

    with _Work(f"preparing {name}", as_json, "Stopped; the same command resumes from here.") as work:
        made = run(name, root, work.update)
    if as_json:
        emit("done", made=made)
    else:
        typer.echo(f"{made} label files made in {root}; the others were there already.")


@app.command("make", cls=filled(variants=_variants))
def make(
    layout: Annotated[
        str,
        typer.Argument(
            metavar="LAYOUT",
            help="Any of the data sets' names, or {variants}.",
        ),
    ],
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="A new or empty folder.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    videos: Annotated[int, typer.Option(min=1, help="Videos in each split.")] = 1,
    frames: Annotated[int, typer.Option(min=1, help="Frames in each video.")] = 17,
    images: Annotated[int, typer.Option(min=1, help="Pictures in each split of a set of images.")] = 6,
    size: Annotated[
        str, typer.Option(metavar="WxH", help="Width and height of a frame, in pixels.")
    ] = "96x64",
    raw: Annotated[
        bool, typer.Option("--raw", help="Labels as released, for `openvss data prepare`.")
    ] = False,
    noise: Annotated[
        float, typer.Option(min=0, max=1, help="Standard deviation of noise on each frame.")
    ] = 0,
    blur: Annotated[
        float, typer.Option(min=0, max=1, help="Largest blur, as a share of the short side.")
    ] = 0,
    occlusion: Annotated[float, typer.Option(min=0, max=1, help="Chance that a patch hides a part.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable lines.")] = False,
) -> None:
    """Render a small data set with exact labels, laid out on disk like a published one."""
    from openvss.data.make import make as run
    from openvss.data.synthetic.disturbance import Disturbance
    from openvss.data.synthetic.job import RenderOptions

    options = RenderOptions(
        videos=videos,
        frames=frames,
        images=images,
        size=width_and_height(size, "96x64"),
        raw=raw,
        disturbance=Disturbance(noise, blur, occlusion),
    )
    with _Work("", as_json, f"Stopped; delete {root} before it is made again."):
        run(layout, root, seed, options)
    if as_json:
        emit("done", root=str(root))
    else:
        typer.echo(f"A data set in the layout of {layout} is in {root}.")


class _Work:
    """Work whose length shows once it has begun: its progress, and what to do if it is stopped."""

    def __init__(self, title: str, as_json: bool, if_stopped: str, unit: str = "files") -> None:
        self._title, self._as_json, self._if_stopped, self._unit = title, as_json, if_stopped, unit
        self._stack = ExitStack()
        self._update: Callable[[int], None] | None = None

    def update(self, done: int, total: int) -> None:
        if self._update is None:
            shown = progress(self._title, total, 0, self._as_json, self._unit)
            self._update = self._stack.enter_context(shown)
        self._update(done)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        if isinstance(error, Stopped):
            raise OpenVSSError(self._if_stopped) from None
