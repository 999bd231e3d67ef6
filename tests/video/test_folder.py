"""Folders that are taken, or cannot be."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from openvss.errors import InputError
from tests.video.runs import RUN, contents, feed, finished, interrupted, made, open_folder


@pytest.mark.parametrize("state", ["finished", "interrupted"])
def test_a_run_is_not_replaced_unasked(tmp_path: Path, state: str) -> None:
    if state == "finished":
        finished(tmp_path)
    else:
        interrupted(tmp_path, 2)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"already holds a run: .*--resume.*--overwrite.*--out"):
        open_folder(tmp_path)
    assert contents(tmp_path) == before


def test_a_run_of_something_else_is_not_to_be_resumed(tmp_path: Path) -> None:
    finished(tmp_path, run={**RUN, "input_sha256": "1"})
    with pytest.raises(InputError, match=r"made with different settings \(input_sha256\)") as caught:
        open_folder(tmp_path, run={**RUN, "input_sha256": "2"})
    assert "--resume" not in str(caught.value)
    assert "--overwrite" in str(caught.value)


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its name is too long, choose another --out"):
        open_folder(tmp_path / ("n" * 256))


@pytest.mark.parametrize("state", ["finished", "interrupted"])
def test_overwriting_deletes_only_what_a_run_wrote(tmp_path: Path, state: str) -> None:
    out = tmp_path / "out"
    if state == "finished":
        finished(out)
    else:
        interrupted(out, 4)
    own = {"notes.txt": b"mine", "masks/notes.png": b"mine", "masks/readme": b"mine"}
    for name, data in own.items():
        (out / name).write_bytes(data)
    with open_folder(out, formats=("rle",), overwrite=True) as folder:
        assert folder.finished == 0
        feed(folder, made())
    assert contents(out) == {**finished(tmp_path / "whole", ("rle",)), **own}


@pytest.mark.parametrize("name", ["binary/mine/000000.png", "binary/road/notes.txt"])
def test_overwriting_leaves_what_others_put_among_masks_of_words(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    finished(out, ("binary",))
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_bytes(b"mine")
    with open_folder(out, formats=("rle",), overwrite=True) as folder:
        feed(folder, made())
    assert contents(out) == {**finished(tmp_path / "whole", ("rle",)), name: b"mine"}


def test_masks_of_words_are_replaced_by_those_of_other_words(tmp_path: Path) -> None:
    finished(tmp_path / "out", ("binary", "cutout"))
    names = ("sea", "road", "person", "boat")
    for out in (tmp_path / "out", tmp_path / "fresh"):
        with open_folder(out, formats=("binary", "cutout"), names=names, overwrite=True) as folder:
            feed(folder, made(names=names))
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_files_of_others_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "overlay.mp4").write_bytes(b"my holiday")
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"overlay\.mp4 already exists"):
            open_folder(tmp_path, overwrite=overwrite)
    assert contents(tmp_path) == {"overlay.mp4": b"my holiday"}
    (tmp_path / "run.json").write_text('{"of": "another program"}')
    with pytest.raises(InputError, match=r"run\.json already exists"):
        open_folder(tmp_path, formats=("png",), overwrite=True)


def test_a_file_in_the_way_does_not_cost_the_run_to_be_replaced(tmp_path: Path) -> None:
    finished(tmp_path, ("png",))
    (tmp_path / "overlay.mp4").write_bytes(b"my holiday")
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"overlay\.mp4 already exists"):
        open_folder(tmp_path, formats=("png", "overlay"), overwrite=True)
    assert contents(tmp_path) == before


def test_resume_and_overwrite_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only one of them"):
        open_folder(tmp_path, resume=True, overwrite=True)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(InputError, match="a file is in the way"):
            open_folder(out)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match="is not writable"):
        open_folder(tmp_path / "out")


@pytest.mark.parametrize("name", ["masks", "panoptic", ".partial", ".partial/panoptic"])
@pytest.mark.parametrize("how", ["new", "overwrite", "resume"])
def test_a_link_to_somewhere_else_is_not_followed(tmp_path: Path, name: str, how: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    if how == "overwrite":
        finished(out)
    elif how == "resume":
        interrupted(out, 3)
    link = out / name
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.exists():
        shutil.copytree(link, elsewhere)
        shutil.rmtree(link)
    else:
        elsewhere.mkdir()
    (elsewhere / "000000.png").write_bytes(b"mine")
    link.symlink_to(elsewhere)
    before = contents(elsewhere)
    with pytest.raises(InputError, match=f"{name} is a symbolic link"):
        open_folder(out, overwrite=how == "overwrite", resume=how == "resume")
    assert contents(elsewhere) == before


def test_a_link_of_a_format_that_is_not_asked_for_is_not_followed_either(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    finished(out)
    (out / "masks").rename(elsewhere)
    (out / "masks").symlink_to(elsewhere)
    before = contents(elsewhere)
    with pytest.raises(InputError, match="masks is a symbolic link"):
        open_folder(out, formats=("rle",), overwrite=True)
    assert contents(elsewhere) == before


def test_a_lock_that_is_a_link_creates_nothing_elsewhere(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"\.lock is a symbolic link"):
        open_folder(out)
    assert not (tmp_path / "elsewhere").exists()
