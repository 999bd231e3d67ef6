from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from av.error import FFmpegError

from openvss.errors import InputError, OpenVSSError, OutputError
from openvss.storage.file_errors import make_folder, reporting, unusable


def failure(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk(tmp_path: Path, number: int) -> None:
    sentence = rf"^The disk of {tmp_path} is full: free some space and run again with --resume\.$"
    with pytest.raises(OutputError, match=sentence), reporting(tmp_path):
        raise failure(number)


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    error = unusable(tmp_path, failure(errno.ENAMETOOLONG))
    assert isinstance(error, InputError)
    assert "its name is too long" in str(error)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (failure(errno.EIO), os.strerror(errno.EIO)),
        (OSError("no number"), "no number"),
        (FFmpegError(errno.EIO, "the muxer failed"), "the muxer failed"),
    ],
)
def test_other_errors_of_the_file_system(tmp_path: Path, error: Exception, reason: str) -> None:
    sentence = rf"^Cannot write to {tmp_path} \({reason}\): fix this and run again with --resume\.$"
    with pytest.raises(OutputError, match=sentence) as caught, reporting(tmp_path):
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [InputError("a sentence"), ZeroDivisionError(), KeyboardInterrupt()])
def test_all_else_passes(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, reporting(tmp_path):
        raise error
    assert caught.value is error


def test_folders_are_made_with_those_above(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EEXIST, InputError, "cannot be the output folder because a file is in the way"),
        (errno.ENOTDIR, InputError, "cannot be the output folder because a file is in the way"),
        (errno.EACCES, InputError, "is not writable"),
        (errno.EROFS, InputError, "is not writable"),
        (errno.ENOENT, InputError, "cannot be created"),
        (errno.ENOSPC, OutputError, "is full: free some space"),
        (errno.ELOOP, OutputError, "Cannot write to"),
    ],
)
def test_a_folder_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[OpenVSSError], words: str
) -> None:
    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise failure(number)

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(kind, match=words) as caught:
        make_folder(tmp_path / "out")
    assert str(tmp_path / "out") in str(caught.value)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(tmp_path: Path, number: int) -> None:
    error = unusable(tmp_path, failure(number))
    assert isinstance(error, OutputError)
    assert f"The file system of {tmp_path} does not support locks" in str(error)
    assert "choose another --out" in str(error)
