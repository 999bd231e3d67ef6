"""What the campaigns share: damage by a seed, the command line with a watchdog, and what a run may leave."""

from __future__ import annotations

import csv
import json
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import av
import numpy as np
import pytest
from PIL import Image

from openvss import cli
from openvss.errors import OpenVSSError

MOST_SECONDS = 30.0  # for one case: a watchdog, many times what any case takes


class HangError(BaseException):
    """A case took too long; no handler of errors takes it for one."""


@contextmanager
def watchdog(seconds: float = MOST_SECONDS) -> Iterator[None]:
    """Ends a case that hangs."""

    def bite(number: int, frame: FrameType | None) -> None:
        raise HangError(f"after {seconds} s")

    before = signal.signal(signal.SIGALRM, bite)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# Damage. Each takes the bytes of a file and of another one.

Damage = Callable[[bytes, bytes, random.Random], bytes]


def flip(data: bytes, other: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 4, 32))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(data: bytes, other: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(1, len(data))]


def zero(data: bytes, other: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    length = rng.choice((16, 200, len(data) // 4))
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def noise(data: bytes, other: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    length = len(data[start : start + rng.choice((16, 200, 2000))])
    return data[:start] + rng.randbytes(length) + data[start + length :]


def graft(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The header of another file."""
    size = rng.choice((16, 64, 512))
    return other[:size] + data[size:]


def repeat(data: bytes, other: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[: start + 400] + data[start:]


DAMAGES: dict[str, Damage] = {
    "flip": flip,
    "cut": cut,
    "zero": zero,
    "noise": noise,
    "graft": graft,
    "repeat": repeat,
}


class CommandLine:
    """Runs commands inside this process; anything but an exit is a failure of the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str | Path) -> tuple[int, str]:
        """The exit code, and the sentence that ends the command if it is not 0."""
        self._monkeypatch.setattr(sys, "argv", ["openvss", *map(str, arguments)])
        code = 0
        with watchdog():
            try:
                cli.main()
            except SystemExit as end:
                code = int(end.code or 0)
        err = self._capsys.readouterr().err
        said = [line for line in err.splitlines() if line.startswith("openvss: ")]
        assert "Traceback" not in err, err
        assert code in (0, 1, 2), (code, err)
        assert len(said) == (code != 0), err
        return code, said[0] if said else ""


def check_folder(out: Path, n_frames: int, size: tuple[int, int], n_words: int) -> None:
    """A finished folder is complete, agrees with itself, and holds nothing unfinished."""
    assert not [path.name for path in out.rglob(".*")], "something unfinished"
    assert not list(out.rglob("*.tmp"))
    masks = sorted((out / "masks").iterdir())
    assert [mask.name for mask in masks] == [f"{i:06d}.png" for i in range(n_frames)]
    rows = list(csv.reader((out / "stats.csv").read_text().splitlines()))[1:]
    assert [int(row[0]) for row in rows] == list(range(n_frames))
    for mask, row in zip(masks, rows, strict=True):
        with Image.open(mask) as image:
            ids = np.asarray(image)
        assert ids.shape == size[::-1]
        shares = [float((ids == i).mean()) for i in (*range(n_words), 255)]
        assert np.allclose(shares, [float(cell) for cell in row[4:]], atol=1e-5)
        assert abs(sum(shares) - 1) < 1e-6
    assert len(json.loads((out / "classes.json").read_text())) == n_words
    json.loads((out / "run.json").read_text())
    if (out / "overlay.mp4").exists():
        with av.open(out / "overlay.mp4") as film:
            assert sum(1 for _ in film.decode(video=0)) == n_frames


def require_sentence(error: OpenVSSError) -> None:
    """A message is one line that ends like a sentence."""
    text = str(error)
    assert text.endswith((".", "?")), text
    assert len(text.splitlines()) == 1, text


def tally(counts: Counter[str], **at_least: int) -> None:
    """A campaign says what it did, and cannot shrink unnoticed."""
    print(f"{sum(counts.values())} cases: {dict(sorted(counts.items()))}")
    for name, number in at_least.items():
        assert counts[name] >= number, (name, counts)
