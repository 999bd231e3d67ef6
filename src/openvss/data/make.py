"""Makes small rendered data sets with exact labels, in the layout on disk of every data set that can be read.

`make("vspw", root)` needs no download, takes a second, and gives the same bytes for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from openvss.data.catalogue import LAYOUTS
from openvss.data.synthetic.job import Job, RenderOptions
from openvss.errors import InputError, OutputError

DEFAULTS = RenderOptions()


def make(layout: str, root: Path, seed: int = 0, options: RenderOptions = DEFAULTS) -> None:
    """Fill a new or empty folder.

    Args:
        layout: One of `layouts()`.
        root: What `NAME:ROOT` takes as ROOT afterwards.
        seed: The same seed and options give the same bytes.
        options: How much is made.
    """
    writers = dict(_writers())
    if layout not in writers:
        raise InputError(f"Unknown layout {layout!r}: choose one of {', '.join(writers)}.")
    try:
        root.mkdir(parents=True, exist_ok=True)
        if any(root.iterdir()):
            raise InputError(f"The folder {root} is not empty: name a new one.")
        writers[layout](Job(root, seed, options))
    except FileExistsError as error:
        raise InputError(f"{root} is a file: name a new folder.") from error
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"The folder {root} could not be filled ({reason}): choose another.") from error


def layouts() -> list[str]:
    """What can be made: the data sets that have a rendered twin, and the variants of such twins."""
    return [name for name, _ in _writers()]


def _writers() -> Iterator[tuple[str, Callable[[Job], None]]]:
    for name, layout in LAYOUTS.items():
        if layout.write is not None:
            yield name, layout.write
        yield from layout.variants.items()
