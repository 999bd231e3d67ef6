"""Weights that are damaged, that lie or that would like to be run."""

from __future__ import annotations

import json
import math
import os
import pickle
import random
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from openvss.models.registry import PRESETS, build_model
from openvss.weights.checkpoint import save_model
from tests.hostile.campaign import DAMAGES, CommandLine, check_folder, tally
from tests.models.closed import PRESET
from tests.video.clips import write_frames

SEEDS = 8
WORDS = "car, sea"


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "closed", PRESET)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    write_frames(tmp_path / "frames", ["0.png", "1.png"])
    return CommandLine(monkeypatch, capsys)


def good(path: Path) -> bytes:
    save_model(build_model("closed"), path, "closed", {})
    return path.read_bytes()


def segment(run: CommandLine, out: Path, *model: str) -> str:
    """How segmenting with a model ends; a folder that comes of it is right."""
    code, _ = run("segment", "frames", WORDS, "--out", out, "--format", "png", "--size", "32", *model)
    if code == 0:
        check_folder(out, 2, (64, 48), 2)
        return "used"
    assert code == 2
    assert not out.exists()
    return "refused"


def test_damaged_weights(run: CommandLine, tmp_path: Path) -> None:
    counts, path = Counter[str](), tmp_path / "a.safetensors"
    data = good(path)
    for kind, make in DAMAGES.items():
        for seed in range(SEEDS):
            path.write_bytes(make(data, b"PK\x03\x04" * 200, random.Random(f"{kind} {seed}")))
            counts[segment(run, tmp_path / f"{kind}{seed}", "--model", str(path))] += 1
            assert run("models", "show", path)[0] in (0, 2)
    tally(counts, refused=20)
    assert sum(counts.values()) == len(DAMAGES) * SEEDS


def lies(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Files whose header is not about what follows."""
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    name = next(key for key in header if key != "__metadata__")

    def made(header: object) -> bytes:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + body

    tensor, note = header[name], header["__metadata__"]
    yield "a header of 2^63 bytes", (1 << 63).to_bytes(8, "little") + data[8:]
    yield "a header beyond the file", (size * 100).to_bytes(8, "little") + data[8:]
    yield "deep", made(b'{"a":' * 5000)
    yield "no object", made(b"[]")
    for key, value in (
        ("shape", [1 << 40]),
        ("shape", [-1]),
        ("shape", [1]),
        ("shape", "x"),
        ("dtype", "F64"),
        ("dtype", "nothing"),
        ("data_offsets", [0, 1 << 60]),
        ("data_offsets", [9, 3]),
        ("data_offsets", []),
    ):
        yield f"{key} {value}", made({**header, name: {**tensor, key: value}})
    for key, value in (
        ("preset", "no such"),
        ("preset", "tiny"),
        ("openvss", "2"),
        ("options", "{"),
        ("options", "[]"),
        ("options", "5"),
        ("options", "[" * 9000),
        ("options", '{"width": 10000}'),
        ("options", '{"width": "x"}'),
        ("options", '{"frob": 1}'),
        ("options", '{"words": "a, a"}'),
        ("selected_by", "\x1b[31m\n"),
        ("size", "x"),
        ("context", "x"),
    ):
        yield f"{key}: {value[:20]}", made({**header, "__metadata__": {**note, key: value}})
    for key in ("preset", "openvss", "options"):
        yield f"no {key}", made({**header, "__metadata__": {k: v for k, v in note.items() if k != key}})
    yield "no metadata", made({key: value for key, value in header.items() if key != "__metadata__"})
    yield "one tensor less", made({key: value for key, value in header.items() if key != name})


def test_weights_that_lie(run: CommandLine, tmp_path: Path) -> None:
    counts, path = Counter[str](), tmp_path / "a.safetensors"
    for number, (what, data) in enumerate(lies(good(path))):
        path.write_bytes(data)
        counts[segment(run, tmp_path / str(number), "--model", str(path))] += 1
        segment(run, tmp_path / f"{number}w", "--model", "closed", "--weights", str(path))
        assert run("models", "show", path)[0] in (0, 2), what
    tally(counts, refused=25)


def test_weights_that_would_like_to_be_run(run: CommandLine, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return os.mkdir, ("pwned",)

    torch.save({"state_dict": Evil()}, "a.pth")
    torch.save(Evil(), "b.pt", _use_new_zipfile_serialization=False)
    Path("c.bin").write_bytes(pickle.dumps(Evil()))
    Path("d.safetensors").write_bytes(pickle.dumps(Evil()))
    with zipfile.ZipFile("e.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Evil()))
        archive.writestr("../../pwned", "x")
    for number, name in enumerate(("a.pth", "b.pt", "c.bin", "d.safetensors", "e.pth")):
        assert segment(run, tmp_path / str(number), "--model", "closed", "--weights", name) == "refused"
        assert segment(run, tmp_path / str(number), "--model", name) == "refused"
    assert not Path("pwned").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 3e38])
def test_weights_that_are_no_numbers(run: CommandLine, tmp_path: Path, value: float) -> None:
    model = build_model("closed")
    state = {name: torch.full_like(tensor, value) for name, tensor in model.state_dict().items()}
    save_model(state, tmp_path / "a.safetensors", "closed", {})
    ended = segment(run, tmp_path / "out", "--model", "a.safetensors")
    assert ended == ("used" if math.isfinite(value) and ended == "used" else "refused")
