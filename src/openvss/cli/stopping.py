"""What Ctrl-C leaves, as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from openvss.errors import OpenVSSError, Stopped


@contextmanager
def resumable(*, overwrite: bool) -> Iterator[None]:
    """Around work that `--resume` can continue; `overwrite` is whether it was to replace an earlier run."""
    try:
        yield
    except Stopped:
        where = " in place of --overwrite" if overwrite else ""
        raise OpenVSSError(f"stopped; the same command with --resume{where} continues from here.") from None
