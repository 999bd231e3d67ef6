"""`openvss segment` as a user meets it: any input, finished folders, one-sentence errors."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from openvss import cli
from openvss.errors import Stopped
from openvss.video import sources
from openvss.video.container import VideoFile
from openvss.video.frame import Frame
from openvss.words.builtin import NAMES, RAW_NAMES
from tests.video.clips import cut, picture, write_clip, write_frames

WORDS = "person | pedestrian, road, sky, grass"
SMALL = ["--size", "32", "--device", "cpu"]


def openvss(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    monkeypatch.setattr(sys, "argv", ["openvss", *map(str, arguments)])
    code = 0
    try:
        cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Runner:
    monkeypatch.chdir(tmp_path)
    return Runner(monkeypatch, capsys)


class Runner:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._fixtures = monkeypatch, capsys

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        return openvss(*self._fixtures, *arguments)

    def ok(self, *arguments: str | Path) -> str:
        code, out, err = self(*arguments)
        assert code == 0, err
        return out

    def sentence(self, code: int, *arguments: str | Path) -> str:
        """The single line that a failing command prints."""
        found, _, err = self(*arguments)
        assert found == code, err
        lines = [line for line in err.splitlines() if line.startswith("openvss: ")]
        assert len(lines) == 1, err
        assert "Traceback" not in err
        return lines[0]


def frames_of(path: Path) -> tuple[list[Fraction], tuple[int, int], bool]:
    """Timestamps, size and whether there is sound."""
    with av.open(path) as container:
        sound = bool(container.streams.audio)
        stream = container.streams.video[0]
        base = stream.time_base
        assert base is not None
        times = [frame.pts * base for frame in container.decode(stream) if frame.pts is not None]
        return times, (stream.width, stream.height), sound


def picture_at(path: Path) -> tuple[str, npt.NDArray[np.uint8]]:
    with Image.open(path) as image:
        return image.mode, np.asarray(image)


def check_masks(folder: Path, n: int, size: tuple[int, int]) -> None:
    masks = sorted((folder / "masks").iterdir())
    assert [m.name for m in masks] == [f"{i:06d}.png" for i in range(n)]
    for mask in masks:
        mode, ids = picture_at(mask)
        assert (mode, ids.shape) == ("P", size[::-1])
        assert ids.max() < 4
    assert not (folder / ".partial").exists()


def test_a_clip_with_sound(run: Runner, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=12, size=(96, 64), fps=Fraction(30000, 1001), audio=True)
    out = run.ok(
        "segment", clip, WORDS, "--out", "out", "--format", "png,overlay,chart,labels,panoptic,rle", *SMALL
    )
    folder = tmp_path / "out"
    assert "12 frames" in out
    assert str(Path("out") / "overlay.mp4") in out
    check_masks(folder, 12, (96, 64))
    times, size, sound = frames_of(folder / "overlay.mp4")
    assert (times, size, sound) == (frames_of(clip)[0], (96, 64), True)
    assert {p.name for p in folder.iterdir()} == {
        "masks", "overlay.mp4", "shares.png", "labels.mkv", "panoptic", "panoptic.json", "annotations.json",
        "classes.json", "stats.csv", "run.json",
    }  # fmt: skip
    rows = list(csv.DictReader((folder / "stats.csv").read_text().splitlines()))
    assert len(rows) == 12
    classes = json.loads((folder / "classes.json").read_text())
    assert [c["name"] for c in classes] == ["person", "road", "sky", "grass"]
    assert classes[0]["synonyms"] == ["person", "pedestrian"]
    settings = json.loads((folder / "run.json").read_text())
    assert settings["words"] == WORDS
    assert len(settings["weights_sha256"]) == 64


def test_same_command_on_frames_glob_and_image(run: Runner, tmp_path: Path) -> None:
    write_frames(tmp_path / "frames", [f"f{i}.png" for i in range(1, 12)])
    height, width = picture_at(tmp_path / "frames" / "f1.png")[1].shape[:2]
    size = (width, height)
    run.ok("segment", "frames", WORDS, "--fps", "25", *SMALL)
    check_masks(tmp_path / "segmented" / "frames", 11, size)
    times, _, _ = frames_of(tmp_path / "segmented" / "frames" / "overlay.mp4")
    assert times == [Fraction(i, 25) for i in range(11)]
    run.ok("segment", "frames/f?.png", WORDS, "--out", "nine", *SMALL)
    check_masks(tmp_path / "nine", 9, size)
    run.ok("segment", "frames/f1.png", WORDS, *SMALL)
    check_masks(tmp_path / "segmented" / "f1", 1, size)
    assert picture_at(tmp_path / "segmented" / "f1" / "overlay.png")[1].shape == (height, width, 3)
    alone = picture_at(tmp_path / "segmented" / "f1" / "masks" / "000000.png")[1]
    among = picture_at(tmp_path / "nine" / "masks" / "000000.png")[1]  # later ones know those before them
    np.testing.assert_array_equal(alone, among)


def test_odd_clips(run: Runner, tmp_path: Path) -> None:
    """Rotated, variable frame rate, 10 bits, 33x35, late start."""
    write_clip(tmp_path / "rotated.mp4", n=4, size=(96, 64), rotation=90)
    vfr = [Fraction(t, 1000) for t in (0, 40, 120, 130, 400)]
    write_clip(tmp_path / "vfr.mkv", n=5, size=(64, 48), times=vfr, time_base=Fraction(1, 1000))
    write_clip(tmp_path / "ten.mkv", n=4, size=(64, 48), codec="ffv1", pix_fmt="yuv420p10le")
    write_clip(tmp_path / "odd.mkv", n=4, size=(33, 35), codec="ffv1", pix_fmt="yuv444p")
    write_clip(tmp_path / "late.mkv", n=4, size=(64, 48), start=Fraction(2))
    for name, n, size in (
        ("rotated.mp4", 4, (64, 96)),
        ("vfr.mkv", 5, (64, 48)),
        ("ten.mkv", 4, (64, 48)),
        ("odd.mkv", 4, (33, 35)),
        ("late.mkv", 4, (64, 48)),
    ):
        run.ok("segment", name, WORDS, *SMALL)
        folder = tmp_path / "segmented" / Path(name).stem
        check_masks(folder, n, size)
        times, overlay, _ = frames_of(folder / "overlay.mp4")
        assert len(times) == n
        assert overlay == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    shown = frames_of(tmp_path / "segmented" / "vfr" / "overlay.mp4")[0]
    assert all(abs(a - b) <= Fraction(1, 1000) for a, b in zip(shown, vfr, strict=True))


def test_json_lines(run: Runner, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=3, size=(64, 48))
    events = [json.loads(line) for line in run.ok("segment", clip, WORDS, "--json", *SMALL).splitlines()]
    assert [e["event"] for e in events if e["event"] != "progress"] == ["start", "suggest", "done"]
    assert events[-1]["frames"] == 3
    assert "overlay.mp4" in events[-1]["files"]


def test_unlabelled_and_built_in_lists(run: Runner, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=1, size=(64, 48))
    run.ok("segment", clip, WORDS, "--unlabelled-below", "1", "--out", "none", *SMALL)
    assert (picture_at(tmp_path / "none" / "masks" / "000000.png")[1] == 255).all()
    run.ok("segment", clip, "camvid", "--out", "camvid", *SMALL)
    assert len(json.loads((tmp_path / "camvid" / "classes.json").read_text())) == 11


def test_the_help_names_every_built_in_list(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    shown = " ".join(run.ok("segment", "--help").replace("│", " ").split())
    assert f"a built-in list ({', '.join(NAMES)}; {', '.join(RAW_NAMES)} as published" in shown


def test_a_single_word_gets_everything_else(run: Runner, tmp_path: Path) -> None:
    Image.fromarray(picture(0, (48, 32))).save(tmp_path / "a.png")
    run.ok("segment", "a.png", "dog", "--out", "one", *SMALL)
    one = json.loads((tmp_path / "one" / "classes.json").read_text())
    assert [(word["name"], word.get("rest")) for word in one] == [("dog", None), ("everything else", True)]
    assert json.loads((tmp_path / "one" / "run.json").read_text())["everything_else"] == 1
    run.ok("segment", "a.png", "dog, sky", "--others", "--out", "two", *SMALL)
    assert len(json.loads((tmp_path / "two" / "classes.json").read_text())) == 3
    run.ok("segment", "a.png", "background, dog", "--no-others", "--out", "literal", *SMALL)
    assert "rest" not in (tmp_path / "literal" / "classes.json").read_text()
    assert json.loads((tmp_path / "literal" / "run.json").read_text())["everything_else"] is None
    code, _, err = run("segment", "a.png", "background, dog", "--out", "literal", "--resume", *SMALL)
    assert code == 2
    assert "everything_else" in err


def test_a_single_word_that_may_be_something_else(run: Runner, tmp_path: Path) -> None:
    Image.fromarray(picture(0, (48, 32))).save(tmp_path / "a.png")
    said = {
        "vpsw": "'vpsw' is taken for a word; the list is called vspw.",
        "coco": "the list is called coco-stuff.",
        "a.png": "To use the words in that file, give @a.png.",
    }
    for words, hint in said.items():
        code, _, err = run("segment", "a.png", words, "--out", f"out of {words}", *SMALL)
        assert code == 0
        assert hint in err
        assert "Every pixel" not in err
    for words, alone in (("dog", True), ("dog, sky", False)):
        _, _, err = run("segment", "a.png", words, "--no-others", "--out", f"{alone}", *SMALL)
        assert ("Every pixel will be 'dog', the only word given: leave --no-others out." in err) == alone


def test_bad_arguments_are_one_sentence_and_exit_code_2(run: Runner, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=2, size=(64, 48))
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "file").touch()
    (tmp_path / "file.pth").touch()
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    for arguments, part in (
        (["missing.mp4", WORDS], "missing.mp4 does not exist"),
        (["empty", WORDS], "holds no images"),
        (["text.mp4", WORDS], "text.mp4"),
        ([clip, ""], "No words"),
        ([clip, "road,,sky"], "Label 2 of 'road,,sky' is empty"),
        ([clip, "road, road"], "'road' is given twice"),
        ([clip, WORDS, "--model", "huge"], "No model is called 'huge'"),
        ([clip, WORDS, "--weights", "none.safetensors"], "none.safetensors does not exist"),
        ([clip, WORDS, "--weights", "text.mp4"], "cannot be read as weights"),
        ([clip, WORDS, "--model", "empty"], "holds no weights"),
        ([clip], "WORDS are missing"),
        ([clip, WORDS, "--format", "overlay,gif"], "gif"),
        ([clip, WORDS, "--size", "5"], "32 to 4096"),
        ([clip, WORDS, "--fps", "fast"], "--fps"),
        (["empty", WORDS, "--fps", "1e12"], "0.001 to 1000"),
        (["empty", WORDS, "--fps", "1e999999999"], "0.001 to 1000"),
        ([clip, WORDS, "--weights", "empty"], "empty is a folder"),
        ([clip, WORDS, "--model", "file.pth"], "--model NAME --weights FILE"),
        (["one.png", WORDS, "--format", "png,labels"], "The format labels cannot have frames of 1x1"),
        (["~nosuchuser/clip.mp4", WORDS], "check the path"),
        ([WORDS * 20, WORDS], "cannot be an input"),
        ([clip, "road, unlabelled"], "--unlabelled-below"),
        ([clip, "road, 🐶"], "English"),
        ([clip, WORDS, "--fps", "25"], "own clock"),
        ([clip, WORDS, "--device", "abacus"], "Device 'abacus' is not available"),
        ([clip, WORDS, "--device", "meta"], "Device 'meta' is not available"),
        ([clip, WORDS, "--device", "cpu", "--precision", "fp16"], "fp16 needs a GPU: use bf16 or fp32"),
        ([clip, WORDS, "--unlabelled-below", "50"], "0 to 1"),
        ([clip, WORDS, "--out", "file"], "file is in the way"),
        ([clip, WORDS, "--resume", "--overwrite"], "only one of them"),
    ):
        assert part in run.sentence(2, "segment", *arguments)
    assert not (tmp_path / "segmented").exists()


def test_a_folder_that_holds_a_run(run: Runner, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=2, size=(64, 48))
    run.ok("segment", clip, WORDS, "--out", "out", *SMALL)
    assert "--resume" in run.sentence(2, "segment", clip, WORDS, "--out", "out", *SMALL)
    assert "2 frames" in run.ok("segment", clip, WORDS, "--out", "out", "--resume", *SMALL)
    assert "words" in run.sentence(2, "segment", clip, "sky, road", "--out", "out", "--resume", *SMALL)
    lower = ("--precision", "bf16")
    assert "precision" in run.sentence(2, "segment", clip, WORDS, "--out", "out", "--resume", *lower, *SMALL)
    run.ok("segment", clip, "sky, road", "--out", "out", "--overwrite", *lower, *SMALL)
    assert json.loads((tmp_path / "out" / "run.json").read_text())["precision"] == "bf16"


def test_a_truncated_file_gives_everything_before_the_break(run: Runner, tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mkv", n=40, size=(96, 64), audio=True)
    intact = whole.read_bytes()
    broken = cut(whole, 0.6)
    said = run.sentence(1, "segment", broken, WORDS, "--out", "out", *SMALL)
    n = len(list((tmp_path / "out" / "masks").iterdir()))
    assert 5 < n < 40
    check_masks(tmp_path / "out", n, (96, 64))
    assert len(frames_of(tmp_path / "out" / "overlay.mp4")[0]) == n
    assert broken.name in said
    assert "frame" in said
    assert run.sentence(1, "segment", broken, WORDS, "--out", "out", "--resume", *SMALL) == said
    broken.write_bytes(intact)
    assert "input_sha256" in run.sentence(2, "segment", broken, WORDS, "--out", "out", "--resume", *SMALL)


def test_a_bad_frame_among_frames_ends_the_video_there(run: Runner, tmp_path: Path) -> None:
    write_frames(tmp_path / "frames", [f"{i}.png" for i in range(6)])
    Image.fromarray(picture(4, (32, 24))).save(tmp_path / "frames" / "4.png")
    assert "4.png is 32x24" in run.sentence(1, "segment", "frames", WORDS, "--out", "out", *SMALL)
    check_masks(tmp_path / "out", 4, (64, 48))
    assert len(frames_of(tmp_path / "out" / "overlay.mp4")[0]) == 4


def test_a_frame_that_was_replaced_is_noticed(run: Runner, tmp_path: Path) -> None:
    write_frames(tmp_path / "frames", [f"{i}.bmp" for i in range(4)])
    run.ok("segment", "frames", WORDS, "--out", "out", *SMALL)
    Image.fromarray(255 - picture(2)).save(tmp_path / "frames" / "2.bmp")
    assert "input_sha256" in run.sentence(2, "segment", "frames", WORDS, "--out", "out", "--resume", *SMALL)


def test_too_little_memory_is_one_sentence(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=2, size=(64, 48))

    def step(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr("openvss.segmenting.segmenter.Segmenter.step", step)
    assert "lower --size" in run.sentence(1, "segment", clip, WORDS, *SMALL)


@pytest.mark.parametrize(
    ("options", "advice"), [([], "--resume continues"), (["--overwrite"], "in place of")]
)
def test_stopping_says_how_to_go_on(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], advice: str
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=2, size=(64, 48))

    def step(*_: object) -> None:
        raise Stopped

    monkeypatch.setattr("openvss.segmenting.segmenter.Segmenter.step", step)
    assert advice in run.sentence(1, "segment", clip, WORDS, *options, *SMALL)


def test_a_full_disk_is_one_sentence_and_exit_code_1(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=12, size=(64, 48))
    run.ok("segment", clip, WORDS, "--out", "whole", *SMALL)
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name.startswith("mask") and (tmp_path / "out" / "masks" / "000004.png").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert "disk of out is full" in run.sentence(1, "segment", clip, WORDS, "--out", "out", *SMALL)
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"masks", ".partial"}
    run.ok("segment", clip, WORDS, "--out", "out", "--resume", *SMALL)
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "whole")


def test_nothing_of_the_users_is_lost(run: Runner, tmp_path: Path) -> None:
    """The input may not lie in the output folder, and a replaced file is not mixed with the old run."""
    clip = write_clip(tmp_path / "clip.mp4", n=3, size=(64, 48))
    run.ok("segment", clip, WORDS, "--out", "out", *SMALL)
    overlay = tmp_path / "out" / "overlay.mp4"
    for made in (overlay, tmp_path / "out" / "masks", tmp_path / "out" / "masks" / "000001.png"):
        assert "lies in the output folder" in run.sentence(
            2, "segment", made, WORDS, "--out", "out", "--overwrite", *SMALL
        )
    assert overlay.exists()
    run.ok("segment", Path("clip.mp4"), WORDS, "--out", "out", "--resume", *SMALL)
    write_clip(clip, n=3, size=(64, 48), frames=[255 - picture(i) for i in range(3)])
    assert "input_sha256" in run.sentence(2, "segment", clip, WORDS, "--out", "out", "--resume", *SMALL)


def test_stopping_a_live_stream_finishes_it(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=9, size=(64, 48))

    class Live(VideoFile):
        """A file that pretends to be a camera, stopped by Ctrl-C after five frames."""

        kind = "camera"  # type: ignore[assignment]

        def __iter__(self) -> Iterator[Frame]:
            for frame in super().__iter__():
                if frame.index == 5:
                    raise Stopped
                yield frame

    live = Live(clip, "camera 0")
    live.files = ()  # type: ignore[assignment]
    monkeypatch.setattr(sources, "open_source", lambda *_, **__: live)
    run.ok("segment", "0", WORDS, *SMALL)
    check_masks(tmp_path / "segmented" / "camera-0", 5, (64, 48))
    assert len(frames_of(tmp_path / "segmented" / "camera-0" / "overlay.mp4")[0]) == 5
    assert "cannot be resumed" in run.sentence(2, "segment", "0", WORDS, "--resume", *SMALL)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_killed_and_resumed_equals_uninterrupted(run: Runner, tmp_path: Path, stop: signal.Signals) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=120, size=(96, 64), audio=True)
    formats = ["--format", "png,overlay,labels,rle,chart"]
    run.ok("segment", clip, WORDS, "--out", "whole", *formats, *SMALL)
    command = [sys.executable, "-m", "openvss", "segment", str(clip), WORDS, "--out", "cut", *formats, *SMALL]
    process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    masks, deadline = tmp_path / "cut" / "masks", time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if masks.is_dir() and len(list(masks.iterdir())) >= 30:
            process.send_signal(stop)
            break
        time.sleep(0.005)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if stop == signal.SIGKILL else 1), err
    if stop == signal.SIGTERM:
        assert b"--resume" in err
    assert 30 <= len(list(masks.iterdir())) < 120
    assert not (tmp_path / "cut" / "overlay.mp4").exists()
    out = run.ok("segment", clip, WORDS, "--out", "cut", "--resume", *formats, *SMALL)
    assert "from the earlier run" in out
    assert snapshot(tmp_path / "cut") == snapshot(tmp_path / "whole")


def test_looks_are_chosen_by_options(run: Runner, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=2, size=(96, 64))
    looks = [
        "--opacity",
        "0.8",
        "--outlines",
        "--side-by-side",
        "--no-legend",
        "--colours",
        "Sky=blue, pedestrian=#f80",
    ]
    run.ok("segment", clip, WORDS, "--out", "out", *looks, *SMALL)
    folder = tmp_path / "out"
    assert frames_of(folder / "overlay.mp4")[1] == (2 * 96, 64)
    written = json.loads((folder / "run.json").read_text())["output"]
    assert written == {
        "formats": ["png", "overlay", "chart"],
        "legend": False,
        "opacity": 0.8,
        "outlines": True,
        "side_by_side": True,
        "colours": {"Sky": [0, 0, 255], "pedestrian": [255, 136, 0]},
    }
    colours = {entry["name"]: entry["colour"] for entry in json.loads((folder / "classes.json").read_text())}
    assert (colours["sky"], colours["person"]) == ([0, 0, 255], [255, 136, 0])
    with Image.open(folder / "masks" / "000000.png") as mask:
        assert (mask.getpalette() or [])[:3] == [255, 136, 0]
    assert "output.opacity" in run.sentence(2, "segment", clip, WORDS, "--out", "out", "--resume", *SMALL)
    assert "'cat' has a colour but is not" in run.sentence(
        2, "segment", clip, WORDS, "--colours", "cat=red", *SMALL
    )
    assert "The opacity is a number from 0 to 1" in run.sentence(
        2, "segment", clip, WORDS, "--opacity", "2", *SMALL
    )
