"""Damaged pictures, and folders in which something is wrong."""

from __future__ import annotations

import io
import os
import random
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openvss.errors import BrokenVideoError, InputError
from openvss.video.sources import open_source
from tests.hostile.campaign import DAMAGES, require_sentence, tally, watchdog
from tests.video.clips import picture, write_frames

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")
SEEDS = 4
KINDS = {"PNG": ".png", "JPEG": ".jpg", "BMP": ".bmp", "TIFF": ".tif", "WEBP": ".webp", "PPM": ".ppm"}


def read(spec: str | Path) -> tuple[str, int]:
    """How reading ends, and after how many frames."""
    frames = 0
    with watchdog():
        try:
            source = open_source(spec)
            for frame in source:
                assert frame.pixels.shape == (*source.size[::-1], 3)
                frames += 1
        except InputError as error:
            require_sentence(error)
            return "refused", frames
        except BrokenVideoError as error:
            require_sentence(error)
            return "broken", frames
    return "whole", frames


def encoded(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture(3)).save(file, kind)
    return file.getvalue()


def test_damaged_pictures(tmp_path: Path) -> None:
    counts = Counter[str]()
    pictures = {kind: encoded(kind) for kind in KINDS}
    for kind, suffix in KINDS.items():
        others = [data for other, data in pictures.items() if other != kind]
        for damage, make in DAMAGES.items():
            for seed in range(SEEDS):
                rng = random.Random(f"{kind} {damage} {seed}")
                path = tmp_path / f"a{suffix}"
                path.write_bytes(make(pictures[kind], rng.choice(others), rng))
                how, frames = read(path)
                counts[how] += 1
                assert frames == (how == "whole"), (kind, damage, seed)
    tally(counts, refused=40)
    assert sum(counts.values()) == len(KINDS) * len(DAMAGES) * SEEDS


def png(width: int, height: int, data: bytes) -> bytes:
    """A PNG file whose header may lie."""
    header = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\x00\x00\x00"
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    body = b"".join(
        len(text).to_bytes(4) + kind + text + zlib.crc32(kind + text).to_bytes(4) for kind, text in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


LIES = {
    "a bomb": png(60_000, 60_000, zlib.compress(bytes(1000))),
    "larger than it is": png(64, 48, zlib.compress(bytes(100))),
    "no width": png(0, 48, zlib.compress(bytes(100))),
    "the largest": png(2**31 - 1, 2**31 - 1, zlib.compress(b"")),
    "no data": png(64, 48, b""),
    "other data": png(64, 48, b"\xff" * 100),
    "a script": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(r) file\n",
    "a drawing": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a page": b"<!DOCTYPE html><title>404</title>",
    "text": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "a pickle": b"\x80\x04cos\nsystem\n(S'touch pwned'\ntR.",
    "nothing": b"",
    "zeros": bytes(10_000),
}


@pytest.mark.parametrize("kind", LIES)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".mp4"])
def test_pictures_that_lie(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(LIES[kind])
    assert read(path) == ("refused", 0)
    write_frames(tmp_path / "frames", ["0.png"])
    (tmp_path / "frames" / "1.png").write_bytes(LIES[kind])
    assert read(tmp_path / "frames") == ("broken", 1)
    assert not (tmp_path / "pwned").exists()


def _loop(folder: Path) -> None:
    (folder / "1.png").unlink()
    (folder / "1.png").symlink_to(folder / "2.png")
    (folder / "2.png").unlink()
    (folder / "2.png").symlink_to(folder / "1.png")


def _pipe(folder: Path) -> None:
    (folder / "1.png").unlink()
    os.mkfifo(folder / "1.png")


def _other_size(folder: Path) -> None:
    Image.fromarray(picture(1, (32, 32))).save(folder / "1.png")


def _odd_name(folder: Path) -> None:
    (folder / "1.png").rename(os.fsdecode(os.fsencode(folder) + b"/1\xff\xfe.png"))


def _long_name(folder: Path) -> None:
    (folder / "1.png").rename(folder / f"1{'n' * 250}.png")


def _newline(folder: Path) -> None:
    (folder / "1.png").rename(folder / "1\n.png")


def _grey_float(folder: Path) -> None:
    Image.fromarray(np.zeros((48, 64), np.float32)).save(folder / "1.tif")
    (folder / "1.png").unlink()


def _bigger_number(folder: Path) -> None:
    (folder / "1.png").rename(folder / f"{'9' * 200}.png")


FOLDERS: dict[str, tuple[Callable[[Path], None], tuple[str, int]]] = {
    "a loop of links": (_loop, ("whole", 1)),
    "a pipe": (_pipe, ("whole", 2)),
    "another size": (_other_size, ("broken", 1)),
    "bytes that are no text": (_odd_name, ("whole", 3)),
    "a long name": (_long_name, ("whole", 3)),
    "a line break": (_newline, ("whole", 3)),
    "floating-point grey": (_grey_float, ("broken", 1)),
    "a number beyond every integer": (_bigger_number, ("whole", 3)),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_folders(tmp_path: Path, kind: str) -> None:
    make, expected = FOLDERS[kind]
    make(write_frames(tmp_path / "frames", ["0.png", "1.png", "2.png"]))
    assert read(tmp_path / "frames") == expected


@pytest.mark.parametrize(
    "spec",
    [
        *(
            "/dev/zero",
            "/dev/full",
            "/dev/null",
            "/dev/stdin",
            "/proc/self/mem",
            "/",
            "",
            " ",
            "\0",
            "~nobody-x",
        ),
        *(
            "a" * 5000,
            "**/*.png",
            "[",
            "frames/[!",
            "file://",
            "file:///%00",
            "99",
            "-1",
            "http://",
            "rtsp://",
        ),
        *("concat:a|b", "data:,x", "lavfi://testsrc", "pipe:0", "subfile:a", "nosuch://x"),
    ],
)
def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert read(spec) == ("refused", 0)
