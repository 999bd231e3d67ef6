from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from filelock import lock_descriptor

from openvss.errors import InputError
from openvss.storage import lock as lock_module
from openvss.storage.lock import LOCK, FolderLock, is_held

ROOT = Path(__file__).parents[2]
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@contextmanager
def holder(folder: Path, *how: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that holds the folder, and the id that it printed: its own or its child's."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.storage.holder", str(folder), *how]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = int(process.stdout.readline())
        try:
            yield process, printed
        finally:
            with suppress(ProcessLookupError):
                os.kill(printed, signal.SIGKILL)
            process.kill()


def refused(folder: Path) -> bool:
    """Whether another lock cannot be taken; else it is given back."""
    lock = FolderLock(folder)
    try:
        lock.acquire()
    except InputError as error:
        said = str(error)
    else:
        lock.release()
        return False
    assert said == f"Another run is writing to {folder} right now: wait for it or choose another --out."
    return True


def test_a_second_lock_is_refused_until_the_first_is_released(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    assert not is_held(tmp_path)
    lock.acquire()
    assert is_held(tmp_path)
    assert refused(tmp_path)
    with pytest.raises(InputError):  # nor twice by the same
        lock.acquire()
    lock.release()
    lock.release()  # nothing is left to do
    assert list(tmp_path.iterdir()) == []
    assert not is_held(tmp_path)
    assert not refused(tmp_path)


def test_another_process_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    with holder(tmp_path) as (process, _):
        assert is_held(tmp_path)
        assert refused(tmp_path)
        process.kill()
        process.wait()
        assert (tmp_path / LOCK).exists()  # killed processes clean nothing up
        assert not is_held(tmp_path)
        assert not refused(tmp_path)
    assert list(tmp_path.iterdir()) == []


@forks
@pytest.mark.parametrize("how", ["fork", "fork-disown"])
def test_a_forked_process_keeps_the_lock_alive_unless_it_disowns_it(tmp_path: Path, how: str) -> None:
    with holder(tmp_path, how) as (process, child):
        assert is_held(tmp_path)  # disowning releases nothing
        process.kill()
        process.wait()
        os.kill(child, 0)  # is alive
        assert is_held(tmp_path) == (how == "fork")
        assert refused(tmp_path) == (how == "fork")


def test_what_the_file_holds_is_not_touched_by_a_refused_run(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("mine")
    lock = FolderLock(tmp_path)
    lock.acquire()
    assert (tmp_path / LOCK).read_text() == "mine"
    assert refused(tmp_path)
    assert is_held(tmp_path)
    lock.release()


def test_a_file_that_its_last_owner_deletes_is_not_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def late(descriptor: int, *, blocking: bool) -> bool:
        calls.append(descriptor)
        if len(calls) == 1:
            (tmp_path / LOCK).unlink()
        return lock_descriptor(descriptor, blocking=blocking)

    monkeypatch.setattr(lock_module, "lock_descriptor", late)
    lock = FolderLock(tmp_path)
    lock.acquire()
    assert len(calls) == 2
    assert is_held(tmp_path)
    assert refused(tmp_path)
    lock.release()


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def refuse(descriptor: int, *, blocking: bool) -> bool:
        opened.append(descriptor)
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(lock_module, "lock_descriptor", refuse)
    lock = FolderLock(tmp_path)
    with pytest.raises(OSError, match="not implemented"):
        lock.acquire()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])
    lock.release()


def test_where_open_files_cannot_be_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    lock = FolderLock(tmp_path)
    lock.acquire()
    original, file = Path.unlink, lock._file
    assert file is not None

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if not file.closed:
            raise PermissionError(errno.EACCES, "The file is open")
        original(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    lock.release()
    assert list(tmp_path.iterdir()) == []
