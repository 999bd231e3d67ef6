"""`openvss segment` with several inputs, previews, and what it says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from openvss.cli import opening
from openvss.errors import OutputError, Stopped
from openvss.segmenting import loading
from openvss.segmenting.segmenter import Segmenter
from tests.cli.runner import Runner
from tests.video.clips import write_clip, write_frames

WORDS = "person, road, sky"
SMALL = ("--size", "32", "--device", "cpu", "--format", "png")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    for name in ("a/clip.mp4", "b/clip.mp4", "clip.mkv"):
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_clip(path, n=2)
    return tmp_path / "clips"


def folders(out: Path) -> set[str]:
    return {str(path.parent.relative_to(out)) for path in out.rglob("run.json")}


def test_a_glob_gives_each_video_a_folder(
    run: Runner, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []
    load = loading.load

    def counted(*args: Any, **options: Any) -> Segmenter:
        loads.append(args)
        return load(*args, **options)

    monkeypatch.setattr(loading, "load", counted)
    code, out, err = run("segment", "clips/**/*.m*", WORDS, *SMALL)
    assert code == 0, err
    assert folders(tmp_path / "segmented") == {"a/clip.mp4", "b/clip.mp4", "clip.mkv"}
    assert "All 3 inputs are done; in segmented" in out
    assert "[3/3] clips/clip.mkv" in err
    assert err.count("tiny on the processor") == 1
    assert len(loads) == 1
    write_clip(clips / "new.mp4", n=2)
    assert "4 inputs are done" in run.ok("segment", "clips/**/*.m*", WORDS, "--skip-existing", *SMALL)
    assert folders(tmp_path / "segmented") == {"a/clip.mp4", "b/clip.mp4", "clip.mkv", "new.mp4"}
    assert len(loads) == 2
    run.ok("segment", "clips/**/*.m*", WORDS, "--skip-existing", *SMALL)
    assert len(loads) == 2


def test_a_folder_and_a_list(run: Runner, clips: Path, tmp_path: Path) -> None:
    run.ok("segment", "clips", WORDS, "-o", "one", *SMALL)
    assert folders(tmp_path / "one") == {"clip.mkv"}
    (tmp_path / "list.txt").write_text(
        f"# mine\nclips/a/clip.mp4\n\nclips/a/../b/clip.mp4\n{clips}/clip.mkv\n"
    )
    run.ok("segment", "@list.txt", WORDS, "-o", "two", *SMALL)
    absolute = str(clips.relative_to("/") / "clip.mkv")
    assert folders(tmp_path / "two") == {"clips/a/clip.mp4", "clips/b/clip.mp4", absolute}


def test_a_broken_one_does_not_stop_the_others(run: Runner, clips: Path, tmp_path: Path) -> None:
    (clips / "b" / "clip.mp4").write_text("not a video")
    code, _, err = run("segment", "clips/**/*.m*", WORDS, *SMALL)
    assert code == 1
    assert folders(tmp_path / "segmented") == {"a/clip.mp4", "clip.mkv"}
    assert "clips/b/clip.mp4: clips/b/clip.mp4 cannot be read as a video" in err
    assert "openvss: 1 of 3 inputs failed, as said above: clips/b/clip.mp4." in err
    events = [json.loads(line) for line in run("segment", "clips/**/*.m*", WORDS, "--skip-existing", "--json",
                                               *SMALL)[1].splitlines()]  # fmt: skip
    assert [e["event"] for e in events] == ["skipped", "skipped", "failed", "summary", "error"]
    assert events[3]["failed"] == ["clips/b/clip.mp4"]
    assert events[4]["exit_code"] == 1


def test_what_ends_all_of_them(
    run: Runner, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No model is called 'huge'" in run.sentence(
        "segment", "clips/**/*.m*", WORDS, "--model", "huge", *SMALL
    )
    assert not (tmp_path / "segmented").exists()
    for error, said in ((Stopped, "stopped; the same command with --resume"), (OutputError("full"), "full")):
        tried: list[int] = []

        def step(*_: object, error: object = error, tried: list[int] = tried) -> None:
            tried.append(1)
            raise error  # type: ignore[misc]

        monkeypatch.setattr(Segmenter, "step", step)
        code, _, err = run("segment", "clips/**/*.m*", WORDS, *SMALL)
        assert code == 1
        assert f"openvss: {said}" in err
        assert len(tried) == 1


def test_inputs_that_mean_nothing_or_two_things(run: Runner, clips: Path, tmp_path: Path) -> None:
    write_frames(clips, ["1.png"])
    (tmp_path / "empty.txt").write_text("# nothing\n")
    for spec, said in (
        (
            "clips",
            'both videos, such as clip.mkv, and pictures, such as 1.png: name one kind, such as "clips/',
        ),
        ("clips/*", "both videos"),
        ("clips/*.mov", "No image or video matches clips/*.mov"),
        ("@none.txt", "Cannot read the list none.txt (No such file or directory)"),
        ("@empty.txt", "names no inputs"),
    ):
        assert said in run.sentence("segment", spec, WORDS, *SMALL)
    run.ok("segment", "clips/*.png", WORDS, *SMALL)
    assert "contradict" in run.sentence("segment", "clips/clip.mkv", WORDS, "--skip-existing", "--overwrite")
    assert "contradict" in run.sentence("segment", "clips/clip.mkv", WORDS, "-q", "-v")
    for option in ("--resume", "--skip-existing"):
        sentence = run.sentence("segment", "clips/clip.mkv", WORDS, "--preview", option)
        assert f"no results that {option} could find" in sentence


def test_skipping_a_single_one(run: Runner, clips: Path) -> None:
    run.ok("segment", "clips/clip.mkv", WORDS, *SMALL)
    skipped = run.ok("segment", "clips/clip.mkv", WORDS, "--skip-existing", *SMALL)
    assert skipped == "clips/clip.mkv is finished in segmented/clip\n"


def test_a_preview_is_one_picture(run: Runner, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=12, size=(64, 48))
    assert run.ok("segment", clip, WORDS, "--preview", *SMALL) == "segmented/clip-preview.png\n"
    assert [p.name for p in (tmp_path / "segmented").iterdir()] == ["clip-preview.png"]
    with Image.open(tmp_path / "segmented" / "clip-preview.png") as sheet:
        assert sheet.width > 3 * 400
        assert sheet.height > 3 * 300
    said = run.ok("segment", clip, WORDS, "--preview", "--start", "0.5", "--json", "-o", "out", *SMALL)
    shown, suggested = map(json.loads, said.splitlines())
    assert suggested["event"] == "suggest"
    assert shown == {
        "event": "preview",
        "input": str(clip),
        "file": "out-preview.png",
        "frames": 4,
    }


def test_frames_of_a_preview_know_nothing_of_each_other(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=4)
    before: list[int] = []
    step = Segmenter.step

    def watched(self: Segmenter, frame: Any) -> Any:
        before.append(self.state.count)
        return step(self, frame)

    monkeypatch.setattr(Segmenter, "step", watched)
    run.ok("segment", clip, WORDS, "--preview", *SMALL)
    assert before == [0, 0, 0, 0]


def test_quiet_and_verbose(run: Runner, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=3)
    assert run("segment", clip, "dog", "-q", *SMALL) == (0, "", "")
    code, out, err = run("segment", clip, WORDS, "-v", "-o", "out", *SMALL)
    assert code == 0
    assert "3 frames labelled" in out
    assert "loading tiny and its words" in err
    assert "unlabelled_below: 0.0" in err
    assert re.search(r"3 frames: .* s labelling, .* s waiting for the outputs", err)
    code, _, err = run("segment", clip, WORDS, "-o", "again", *SMALL)
    assert "loading" not in err
    assert re.fullmatch(r"tiny on the processor, \d+ threads?\n\d+ % of the picture may be .*\n", err)


def test_errors_are_events_too(run: Runner, tmp_path: Path) -> None:
    for arguments, code in ((("none.mp4", WORDS), 2), ((), 2), (("a.mp4", "b", "--frob"), 2)):
        found, out, err = run("segment", *arguments, "--json")
        assert found == code
        event = json.loads(out)
        assert event["event"] == "error"
        assert event["exit_code"] == code
        assert err == f"openvss: {event['message']}\n"


def test_opening(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=2)
    shown: list[Path] = []
    monkeypatch.setattr(opening, "show", shown.append)
    run.ok("segment", clip, WORDS, "--open", "-o", "a", *SMALL)
    run.ok("segment", clip, WORDS, "--open", "-o", "b", *SMALL[:-1], "png,overlay")
    run.ok("segment", clip, WORDS, "--open", "--preview", "-o", "c", *SMALL)
    assert shown == [Path("a"), Path("b/overlay.mp4"), Path("c-preview.png")]


def test_opening_without_anything_to_open_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("subprocess.Popen", lambda command, **_: started.append(command))
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    opening.show(Path("a.png"))
    assert capsys.readouterr().err == "Cannot find a program to open a.png: open it yourself.\n"
    monkeypatch.setenv("DISPLAY", ":0")
    opening.show(Path("a.png"))
    assert started == [["/bin/xdg-open", "a.png"]]


def test_the_sheet_of_a_picture_has_one_tile(run: Runner, tmp_path: Path) -> None:
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(tmp_path / "a.png")
    run.ok("segment", "a.png", WORDS, *SMALL[:-1], "sheet")
    with Image.open(tmp_path / "segmented" / "a" / "sheet.png") as sheet:
        assert sheet.size == (480 + 24, 12 + 360 + 12 + 32 + 12)  # no time below it


def test_doubtful_words_are_named_and_used(run: Runner, clips: Path) -> None:
    code, _, err = run("segment", clips / "clip.mkv", "Hund | dog, raod, sky, quiet street", *SMALL)
    assert code == 0
    assert "'hund' is no English word that this model knows of: its labels may be arbitrary." in err
    assert re.search(r"'raod' is no English .*Do you mean .*'road'.*\?", err)
    assert err.count("no English word") == 2
    _, _, err = run("segment", clips / "clip.mkv", "person road sky", "--overwrite", *SMALL)
    assert "'person road sky' is one label: put commas between labels." in err
    _, _, err = run("segment", clips / "clip.mkv", "aab, bbc, ccd, dde, eef, ffg, ggh", "--overwrite", *SMALL)
    assert err.count("no English word") == 5
    assert re.search(r"The same goes for \d more words?\.", err)
    _, _, err = run("segment", clips / "clip.mkv", "pc459-raw", "--overwrite", *SMALL)
    assert "no English word" not in err  # "casetterecorder" is how published numbers spell it
    _, _, err = run("segment", clips / "clip.mkv", "asdfgh, sky", "--overwrite", "-q", *SMALL)
    assert err == ""


@pytest.fixture
def greens(tmp_path: Path) -> Path:
    """A clip that `tiny` takes for something common."""
    (tmp_path / "greens").mkdir()
    rows = np.linspace(60, 140, 96)[:, None, None] * np.array([0.4, 1.0, 0.3])
    for i in range(3):
        pixels = np.broadcast_to(rows, (96, 128, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "greens" / f"{i}.png")
    return tmp_path / "greens"


def test_missing_words_are_suggested(run: Runner, greens: Path) -> None:
    code, out, err = run("segment", greens, "zebra", *SMALL)
    assert code == 0
    assert re.search(r"^\d+ % of the picture may be .+: add a word\?$", err, re.M)
    _, _, err = run("segment", greens, "zebra", "--preview", *SMALL)
    assert "add a word?" in err
    assert run("segment", greens, "zebra", "-q", "--overwrite", *SMALL)[1:] == ("", "")
    _, out, _ = run("segment", greens, "zebra", "--json", "--overwrite", *SMALL)
    suggested = [json.loads(line) for line in out.splitlines() if '"suggest"' in line]
    assert 0.1 < sum(suggested[0]["words"].values()) <= 1
    code, _, err = run("segment", greens, "zebra", "--resume", *SMALL)  # finished: no frame is looked at
    assert (code, "add a word" in err) == (0, False)


def test_words_are_proposed_as_a_command(run: Runner, greens: Path, tmp_path: Path) -> None:
    more = ("--no-legend", "--device", "auto", "--out", "auto")
    code, _, err = run("segment", "-v", greens, "auto", *SMALL, *more)
    assert code == 0
    command = shlex.split(next(line for line in err.splitlines() if line.startswith("openvss segment")))
    words = json.loads((tmp_path / "auto" / "run.json").read_text())["words"]
    assert command == ["openvss", "segment", "-v", str(greens), words, *SMALL, *more]
    assert "auto" not in words
    assert "labelled" in run.ok(*command[1:], "--resume")  # the same run
    _, out, _ = run("segment", greens, "auto", "--json", "--overwrite", *SMALL)
    assert json.loads(out.splitlines()[0]) == {"event": "words", "input": str(greens), "words": words}
    sheet = run.ok("segment", greens, "auto", "--preview", *SMALL)
    assert sheet.strip().endswith("greens-preview.png")


def test_no_words_are_proposed_for_several_inputs(run: Runner, clips: Path) -> None:
    assert "name the words for several" in run.sentence("segment", "clips/**/*.m*", "auto", *SMALL)
