from __future__ import annotations

from pathlib import Path

from openvss.storage.fingerprint import PART, PART_OF_MANY, fingerprint


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_it_is_that_of_version_1(tmp_path: Path) -> None:
    """Runs of today are resumed tomorrow."""
    one, two = write(tmp_path / "one", b"x" * 100), write(tmp_path / "two", b"")
    assert fingerprint([one]) == "21828f5847e5ceed2bf67cdde272137dcd0c77ba3631f2d9594f4930e4858fb6"
    assert fingerprint([one, two]) == "8786c8fb707ae5443c6e947bc2926e303d05859c343a421545650803240ad639"
    assert fingerprint([]) is None


def test_it_sees_names_sizes_beginnings_and_ends(tmp_path: Path) -> None:
    content = bytes(3 * PART)
    file = write(tmp_path / "a", content)
    seen = {fingerprint([file])}
    for place in (0, PART - 1, 2 * PART, 3 * PART - 1):
        file.write_bytes(content[:place] + b"x" + content[place + 1 :])
        seen.add(fingerprint([file]))
    file.write_bytes(content + b"\0")
    seen.add(fingerprint([file]))
    file.write_bytes(content)
    seen.add(fingerprint([file.rename(tmp_path / "b")]))
    assert len(seen) == 7


def test_of_many_files_less_of_each_is_read(tmp_path: Path) -> None:
    content = bytes(3 * PART_OF_MANY)
    files = [write(tmp_path / "a", content), write(tmp_path / "b", content)]
    before = fingerprint(files)
    middle = PART_OF_MANY + PART_OF_MANY // 2
    files[1].write_bytes(content[:middle] + b"x" + content[middle + 1 :])
    assert fingerprint(files) == before
    assert fingerprint(files[1:]) != fingerprint([write(tmp_path / "sub", content).rename(files[1])])
    last = 3 * PART_OF_MANY - 1
    files[1].write_bytes(content[:last] + b"x")
    assert fingerprint(files) != before
    assert fingerprint(files[::-1]) != fingerprint(files)
