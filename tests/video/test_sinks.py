from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from openvss.errors import InputError, OutputError
from openvss.storage.atomic import delete
from openvss.storage.directory import PARTIAL
from openvss.video import worker
from openvss.video.formats.masks import read_mask
from openvss.video.formats.panoptic import PanopticWriter
from openvss.video.formats.rle import RleWriter
from openvss.video.frame import Frame
from openvss.video.journal import LabelJournal
from openvss.video.sinks import OutputFolder, OverlayStyle, SourceInfo
from tests.video.formats.samples import WORDS, classes, items, write_source
from tests.video.runs import (
    FORMATS,
    FRAMES,
    RUN,
    SIZE,
    contents,
    feed,
    finished,
    interrupted,
    made,
    open_folder,
    same_labels,
)

SETS = [FORMATS, ("overlay",), ("png",), ()]
ROOT = Path(__file__).parents[2]


def test_the_folder_holds_what_was_asked_and_nothing_else(tmp_path: Path) -> None:
    files = set(finished(tmp_path / "out"))
    names = [f"{i:06d}.png" for i in range(FRAMES)]
    assert files == {
        *(f"masks/{name}" for name in names),
        *(f"panoptic/{name}" for name in names),
        *(f"cutout/{name}" for name in names),
        *(f"binary/{word}/{name}" for word in WORDS for name in names),
        "binary.json",
        "panoptic.json",
        "overlay.mp4",
        "labels.mkv",
        "annotations.json",
        "shares.png",
        "classes.json",
        "stats.csv",
        "run.json",
    }
    assert not (tmp_path / "out" / PARTIAL).exists()
    assert set(finished(tmp_path / "none", ())) == {"classes.json", "stats.csv", "run.json"}


def test_masks_words_and_settings_can_be_read_back(tmp_path: Path) -> None:
    finished(tmp_path)
    for item in made():
        read = read_mask(tmp_path / "masks" / f"{item.frame.index:06d}.png")
        assert np.array_equal(read, item.labels.labels)
    written = json.loads((tmp_path / "classes.json").read_text())
    assert [(entry["id"], entry["name"], tuple(entry["colour"])) for entry in written] == [
        (info.id, info.name, info.colour) for info in classes()
    ]
    settings = json.loads((tmp_path / "run.json").read_text())
    assert settings == {**RUN, "output": {"formats": list(FORMATS), **asdict(OverlayStyle())}}
    assert len((tmp_path / "stats.csv").read_text().splitlines()) == FRAMES + 1


def test_formats_are_written_once_whatever_their_order(tmp_path: Path) -> None:
    assert finished(tmp_path / "a", ("rle", "png", "rle")) == finished(tmp_path / "b", ("png", "rle"))


def test_300_words(tmp_path: Path) -> None:
    names = tuple(f"word {i}" for i in range(300))
    with open_folder(tmp_path, names=names) as folder:
        feed(folder, made(3, names))
    for item in made(3, names):
        read = read_mask(tmp_path / "masks" / f"{item.frame.index:06d}.png")
        assert read.dtype == np.uint16
        assert np.array_equal(read, item.labels.labels)


def test_one_image(tmp_path: Path) -> None:
    item = made(1)[0]
    source = SourceInfo(SIZE, kind="image")
    with OutputFolder(
        tmp_path, classes=classes(), formats=("overlay", "chart"), run=RUN, source=source
    ) as folder:
        folder.write(item.frame, item.labels)
    assert set(contents(tmp_path)) == {"overlay.png", "shares.png", "classes.json", "stats.csv", "run.json"}


# Interrupting and resuming


@pytest.mark.parametrize("formats", SETS)
@pytest.mark.parametrize("frames", [1, 3, FRAMES])
def test_a_resumed_run_ends_like_an_undisturbed_one(
    tmp_path: Path, formats: tuple[str, ...], frames: int
) -> None:
    interrupted(tmp_path / "cut", frames, formats)
    assert not {"overlay.mp4", "stats.csv", "run.json"} & {path.name for path in (tmp_path / "cut").iterdir()}
    with open_folder(tmp_path / "cut", formats=formats, resume=True) as folder:
        assert folder.finished == frames
        replayed = feed(folder, made())
    assert all(same_labels(a, b.labels) for a, b in zip(replayed, made(), strict=False))
    assert contents(tmp_path / "cut") == finished(tmp_path / "whole", formats)
    assert not (tmp_path / "cut" / PARTIAL).exists()


def test_a_resumed_run_keeps_the_sound(tmp_path: Path) -> None:
    path = write_source(tmp_path / "in.mp4", audio="aac", frames=FRAMES)
    folder = open_folder(tmp_path / "cut", path=path)
    feed(folder, made()[:2])
    folder.abort()
    with open_folder(tmp_path / "cut", path=path, resume=True) as folder:
        feed(folder, made())
    assert contents(tmp_path / "cut") == finished(tmp_path / "whole", path=path)


def test_a_run_may_be_interrupted_many_times(tmp_path: Path) -> None:
    for frames in (1, 2, 4):
        folder = open_folder(tmp_path / "cut", resume=True)
        feed(folder, made()[:frames])
        folder.abort()
    with open_folder(tmp_path / "cut", resume=True) as folder:
        assert folder.finished == 4
        feed(folder, made())
    assert contents(tmp_path / "cut") == finished(tmp_path / "whole")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("formats", [FORMATS, ("overlay",)])
def test_a_run_killed_anywhere_ends_like_an_undisturbed_one(tmp_path: Path, formats: tuple[str, ...]) -> None:
    whole = finished(tmp_path / "whole", formats)
    # 1: the words; 2: the settings; 3 to 8: masks; then the moves to the final names.
    points = (1, 2, 3, 6, 8, 9, 10, 12, 15, 18, 20) if formats == FORMATS else (5, 10, 11)
    for point in points:
        out = tmp_path / f"cut at {point}"
        command = [sys.executable, "-m", "tests.video.runs", str(out), str(point), ",".join(formats)]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        killed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        with open_folder(out, formats=formats, resume=True) as folder:
            if not folder.complete:
                feed(folder, made())
        assert contents(out) == whole, f"killed at operation {point}"
        assert not (out / PARTIAL).exists()


def _damage(kind: str, partial: Path, masks: Path) -> None:
    if kind == "no mask":
        (masks / "000001.png").unlink()
    elif kind == "broken mask":
        (masks / "000002.png").write_bytes((masks / "000002.png").read_bytes()[:-9])
    elif kind == "other mask":
        (masks / "000002.png").write_bytes((masks / "000001.png").read_bytes())
    elif kind == "later mask":
        (masks / "000007.png").write_bytes(b"")
    elif kind == "junk":
        (partial / "mask.tmp").write_bytes(b"half")
        (partial / "overlay.mp4").write_bytes(b"half")
        (partial / "panoptic").mkdir()
        (partial / "panoptic" / "000000.png").write_bytes(b"half")
    else:
        (partial / kind).unlink()


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        *(("no mask", 1), ("broken mask", 2), ("other mask", 2), ("later mask", 4), ("junk", 4)),
        *(("stats.csv", 0), ("checksums", 0), ("classes.json", 4)),
    ],
)
def test_whatever_a_crash_leaves_is_repaired(tmp_path: Path, kind: str, kept: int) -> None:
    interrupted(tmp_path / "cut", 4)
    _damage(kind, tmp_path / "cut" / PARTIAL, tmp_path / "cut" / "masks")
    with open_folder(tmp_path / "cut", resume=True) as folder:
        assert folder.finished == kept
        feed(folder, made())
    assert contents(tmp_path / "cut") == finished(tmp_path / "whole")


@pytest.mark.parametrize(
    ("name", "old", "new", "kept"),
    [
        ("stats.csv", rb"(?s)...\Z", b"", 3),  # torn
        ("stats.csv", rb"(?s)(?<=\A.{10}).*", b"", 0),
        ("stats.csv", rb"\Af", b"\xff", 0),
        ("stats.csv", rb"(?<=\n1,1/25,0\.)0", b"\xff", 1),
        ("stats.csv", rb"(?<=\n2,2/25,0\.)0", b"1", 2),  # still a number
        ("stats.csv", rb"(?<=\n2,2/)2", b"", 2),
        ("checksums", rb"\n", b"\xff", 0),
        ("checksums", rb"(?s)...\Z", b"", 3),
        ("classes.json", rb"(?s)...\Z", b"\xff\xff\xff", 4),
        ("classes.json", rb"(?s).*", b"", 4),
    ],
)
def test_a_damaged_journal_is_repaired(tmp_path: Path, name: str, old: bytes, new: bytes, kept: int) -> None:
    interrupted(tmp_path / "cut", 4)
    file = tmp_path / "cut" / PARTIAL / name
    before = file.read_bytes()
    file.write_bytes(re.sub(old, lambda _: new, before, count=1))
    assert file.read_bytes() != before
    with open_folder(tmp_path / "cut", resume=True) as folder:
        assert folder.finished == kept
        feed(folder, made())
    assert contents(tmp_path / "cut") == finished(tmp_path / "whole")


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    before = finished(tmp_path)
    with open_folder(tmp_path, resume=True) as folder:
        assert folder.complete
        assert folder.finished == FRAMES
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("lost", "is_gone"),
    [
        *((name, True) for name in ("masks/000003.png", "masks", "overlay.mp4", "panoptic", "panoptic.json")),
        *((name, gone) for name in ("classes.json", "stats.csv") for gone in (True, False)),
        ("masks/000003.png", False),
    ],
)
def test_a_finished_run_that_lost_something_says_so(tmp_path: Path, lost: str, is_gone: bool) -> None:
    finished(tmp_path)
    path = tmp_path / lost
    if is_gone:
        delete(path)
    else:
        data = path.read_bytes()
        path.write_bytes(data[:60] + b"\xff" + data[61:])
    before = contents(tmp_path)
    with pytest.raises(InputError, match=rf"has lost {lost}.*, which is missing or damaged.*--overwrite"):
        open_folder(tmp_path, resume=True)
    assert contents(tmp_path) == before
    with open_folder(tmp_path, overwrite=True) as folder:
        feed(folder, made())
    assert contents(tmp_path) == finished(tmp_path / "whole")


@pytest.mark.parametrize("damage", ["gone", "bad byte"])
def test_a_run_without_readable_settings_can_be_replaced_only(tmp_path: Path, damage: str) -> None:
    interrupted(tmp_path / "cut", 4)
    settings = tmp_path / "cut" / PARTIAL / "run.json"
    if damage == "gone":
        settings.unlink()
    else:
        settings.write_bytes(settings.read_bytes()[:-2] + b"\xff\n")
    with pytest.raises(InputError, match=r"its run\.json cannot be read.*--overwrite"):
        open_folder(tmp_path / "cut", resume=True)
    with open_folder(tmp_path / "cut", overwrite=True) as folder:
        feed(folder, made())
    assert contents(tmp_path / "cut") == finished(tmp_path / "whole")


def test_resuming_nothing_is_starting(tmp_path: Path) -> None:
    with open_folder(tmp_path / "cut", resume=True) as folder:
        assert (folder.finished, folder.complete) == (0, False)
        feed(folder, made())
    assert contents(tmp_path / "cut") == finished(tmp_path / "whole")


def test_other_settings_are_named(tmp_path: Path) -> None:
    interrupted(tmp_path, 2)
    with pytest.raises(InputError, match="size: 360 then, 480 now"):
        open_folder(tmp_path, run={**RUN, "size": 480}, resume=True)
    with pytest.raises(InputError, match="fps: null then, 5 now"):
        open_folder(tmp_path, run={**RUN, "fps": 5}, resume=True)
    with pytest.raises(InputError, match=r"output\.formats: .* then, .*\"png\".* now"):
        open_folder(tmp_path, formats=("png",), resume=True)
    with pytest.raises(InputError, match=r"output\.legend: true then, false now"):
        open_folder(tmp_path, style=OverlayStyle(legend=False), resume=True)
    with pytest.raises(InputError, match=r"output\.colours\.sky: null then, \[0, 0, 255\] now"):
        open_folder(tmp_path, style=OverlayStyle(colours={"sky": (0, 0, 255)}), resume=True)
    with pytest.raises(InputError, match="the words"):
        open_folder(tmp_path, names=("sky", "sea"), resume=True)
    finished(tmp_path / "whole")
    with pytest.raises(InputError, match="size"):
        open_folder(tmp_path / "whole", run={**RUN, "size": 480}, resume=True)


def test_another_source_is_noticed(tmp_path: Path) -> None:
    interrupted(tmp_path, 2)
    frame = made()[0].frame
    moved = Frame(0, frame.time + 1, frame.pixels)
    with (
        pytest.raises(InputError, match="Frame 0 of the source is not the one"),
        open_folder(tmp_path, resume=True) as folder,
    ):
        folder.replay(moved)
    with (
        pytest.raises(InputError, match="ends after 1 frame, but the interrupted run saw 2"),
        open_folder(tmp_path, resume=True) as folder,
    ):
        folder.replay(frame)


def test_an_unknown_format_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no format 'jpeg': choose one of png, overlay, cutout, .*"):
        open_folder(tmp_path / "out", formats=("png", "jpeg"))
    assert not (tmp_path / "out").exists()


def test_a_source_without_frames_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no frames"), open_folder(tmp_path / "segmented" / "out"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_fails_before_its_first_frame_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_folder(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


# Errors while writing


def full(number: int = errno.ENOSPC) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("owner", [LabelJournal, RleWriter, PanopticWriter])
@pytest.mark.parametrize("method", ["add", "finish"])
def test_a_full_disk_is_one_sentence_and_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, owner: type, method: str
) -> None:
    original = getattr(owner, method)
    calls = 0

    def fail(self: object, *args: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 3 or method == "finish":
            raise full(number)
        original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(owner, method, fail)
        with (
            pytest.raises(OutputError, match="is full: free some space"),
            open_folder(tmp_path / "a") as folder,
        ):
            feed(folder, made())
    left = {path.name for path in (tmp_path / "a").iterdir()}
    assert left == {PARTIAL, "masks"}
    with open_folder(tmp_path / "a", resume=True) as folder:
        feed(folder, made())
    assert contents(tmp_path / "a") == finished(tmp_path / "b")


def test_any_error_of_a_worker_reaches_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, item: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(RleWriter, "add", fail)
    folder = open_folder(tmp_path)
    frames = made(30)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        feed(folder, frames)
    folder.abort()
    folder.close()  # does nothing any more


def test_no_thread_outlives_the_folder(tmp_path: Path) -> None:
    before = threading.active_count()
    finished(tmp_path / "a")
    interrupted(tmp_path / "b", 2)
    assert threading.active_count() == before


def test_a_slow_writer_holds_the_caller_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    original = RleWriter.add

    def wait(self: RleWriter, item: object) -> None:
        gate.wait()
        original(self, item)  # type: ignore[arg-type]

    monkeypatch.setattr(RleWriter, "add", wait)
    folder = open_folder(tmp_path, formats=("rle",))
    handed: list[int] = []

    def run() -> None:
        for item in made(20):
            folder.write(item.frame, item.labels)
            handed.append(item.frame.index)

    caller = threading.Thread(target=run)
    caller.start()
    caller.join(0.3)
    assert len(handed) <= worker.DEPTH + 1
    gate.set()
    caller.join()
    folder.close()
    assert len(handed) == 20


def test_mistakes_of_the_caller_are_refused(tmp_path: Path) -> None:
    first, second = made()[:2]
    folder = open_folder(tmp_path)
    with pytest.raises(ValueError, match="Expected frame 0"):
        folder.write(second.frame, second.labels)
    with pytest.raises(ValueError, match="write it"):
        folder.replay(first.frame)
    with pytest.raises(ValueError, match="words"):
        folder.write(first.frame, made(1, ("a", "b"))[0].labels)
    folder.abort()
    with pytest.raises(ValueError, match="closed"):
        folder.write(first.frame, first.labels)


def test_a_resumed_run_has_its_legend_in_the_same_corner(tmp_path: Path) -> None:
    frames = items(4, (320, 240))
    for item in frames[2:]:  # a legend placed by these would lie elsewhere
        item.frame.pixels[:] = 128
    written = {}
    for name, stops in (("whole", [4]), ("cut", [2, 4])):
        for stop in stops:
            folder = OutputFolder(
                tmp_path / name,
                classes=classes(),
                formats=("overlay",),
                run=RUN,
                source=SourceInfo((320, 240)),
                resume=True,
            )
            feed(folder, frames[:stop])
            if stop == 4:
                folder.close()
            else:
                folder.abort()
        written[name] = (tmp_path / name / "overlay.mp4").read_bytes()
    assert written["whole"] == written["cut"]
