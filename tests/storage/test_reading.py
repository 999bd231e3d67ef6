"""Text files that a user names are read up to a limit."""

from pathlib import Path

import pytest

from openvss.errors import InputError
from openvss.storage.reading import read_text


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes("\ufeffé".encode())
    assert read_text(file, 5) == "é"
    with pytest.raises(InputError, match=r"a has more than .* MB: name a smaller text file\."):
        read_text(file, 4)


def test_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="utf-8"):
        read_text(tmp_path / "a", 5)
    with pytest.raises(OSError, match="No such file"):
        read_text(tmp_path / "b", 5)


def test_an_endless_file() -> None:
    with pytest.raises(InputError, match="/dev/zero has more than 1 MB"):
        read_text(Path("/dev/zero"), 1_000_000)
