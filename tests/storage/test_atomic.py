from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from openvss.storage.atomic import delete, delete_if_empty, move_all, own_draft, replacing, write_text


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_appears_once_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as draft:
        draft.write_text("new")
        assert path.read_text() == "old"
        assert draft.parent == tmp_path
        assert draft.name.startswith(".")
    assert path.read_text() == "new"
    assert names(tmp_path) == {"a.txt"}


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"

    def fail(half: str) -> None:
        with replacing(path) as draft:
            if half:
                draft.write_text(half)
            raise error

    for half in ("half", ""):
        with pytest.raises(error):
            fail(half)
        assert names(tmp_path) == set()
    path.write_text("old")
    with pytest.raises(error):
        fail("half")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.txt": "old"}


def test_a_draft_that_a_killed_process_left_is_written_over(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.txt") as draft:
        left = draft
        draft.write_text("x")
    left.write_text("left behind, and longer")
    write_text(tmp_path / "a.txt", "y")
    assert (tmp_path / "a.txt").read_text() == "y"
    assert names(tmp_path) == {"a.txt"}


def test_a_draft_may_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "drafts").mkdir()
    write_text(tmp_path / "a.txt", "x", tmp_path / "drafts" / "b")
    assert names(tmp_path / "drafts") == set()
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "a.txt", "y", tmp_path / "no such folder" / "b")
    assert (tmp_path / "a.txt").read_text() == "x"


def test_durable_files_are_flushed_before_they_get_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda file: flushed.append((tmp_path / "a").exists()))
    with replacing(tmp_path / "a") as draft:
        draft.write_text("x")
    assert flushed == []
    (tmp_path / "a").unlink()
    with replacing(tmp_path / "a", durable=True) as draft:
        draft.write_text("x")
    assert flushed == [False]


def test_text_has_the_same_bytes_everywhere(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "é\n")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9\n"


def test_no_two_threads_share_a_draft(tmp_path: Path) -> None:
    path = tmp_path / "a"
    found: list[Path] = []
    barrier = threading.Barrier(2, timeout=60)  # both live at once: ids are used again afterwards

    def note() -> None:
        found.append(own_draft(path))
        barrier.wait()

    threads = [threading.Thread(target=note) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({*found, path}) == 3
    assert all(str(os.getpid()) in draft.name for draft in found)


def test_moving_is_done_in_order_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    for name in ("a", "b", "c"):
        (source / name).write_text(name)
    (target / "b").write_text("old")
    original = Path.replace

    def stop_at_b(path: Path, other: Path) -> Path:
        if path.name == "b":
            raise KeyboardInterrupt
        return original(path, other)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stop_at_b)
        with pytest.raises(KeyboardInterrupt):
            move_all(("c", "none", "b", "a"), source, target)
    assert names(source) == {"a", "b"}
    move_all(("c", "none", "b", "a"), source, target)
    assert {path.name: path.read_text() for path in target.iterdir()} == {"a": "a", "b": "b", "c": "c"}


def test_deleting(tmp_path: Path) -> None:
    (tmp_path / "full" / "inner").mkdir(parents=True)
    (tmp_path / "file").touch()
    delete_if_empty(tmp_path / "full")
    delete_if_empty(tmp_path / "file")
    delete_if_empty(tmp_path / "none")
    assert names(tmp_path) == {"full", "file"}
    delete_if_empty(tmp_path / "full" / "inner")
    assert names(tmp_path / "full") == set()
    (tmp_path / "full" / "x").touch()
    for name in ("full", "file", "none"):
        delete(tmp_path / name)
    assert names(tmp_path) == set()


@pytest.mark.parametrize("length", [100, 250, 255])
def test_any_name_that_a_file_may_have(tmp_path: Path, length: int) -> None:
    file = tmp_path / ("n" * length)
    with replacing(file) as draft:
        draft.write_text("a")
    with replacing(file, own_draft(file)) as draft:
        draft.write_text("b")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert file.read_text() == "b"


def test_deleting_a_link_leaves_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").touch()
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    delete(tmp_path / "link")
    assert names(tmp_path) == {"mine"}
    assert names(tmp_path / "mine") == {"a"}
