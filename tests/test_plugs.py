"""Tables find our own entries and those of installed packages, and name the choices."""

import sys
from pathlib import Path

import pytest

from openvss.errors import InputError
from openvss.plugs import Table, later


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table[object]:
    """With an installed package that adds two entries, one of which cannot be imported."""
    info = tmp_path / "colours-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: colours\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[some.group]\ngreen = colours_abc:GREEN\nbroken = colours_abc:NONE\n"
    )
    (tmp_path / "colours_abc.py").write_text("GREEN = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "colours_abc", raising=False)
    return Table("colour", {"red": 1, "blue": 2}, group="some.group")


def test_own_entries_come_first(table: Table[object]) -> None:
    assert list(table) == ["red", "blue", "green", "broken"]
    assert len(table) == 4
    assert "green" in table
    assert "colours_abc" not in sys.modules  # nothing is imported to know a name
    assert (table["red"], table["green"], table.find("blue")) == (1, 3, 2)


def test_added_entries(table: Table[object]) -> None:
    table.add("black", 4)
    assert table.find("black") == 4
    table["red"] = 5
    assert table["red"] == 5
    del table["red"]
    assert list(table) == ["blue", "black", "green", "broken"]
    assert list(Table("colour", {"red": 1})) == ["red"]


def test_unknown_names(table: Table[object]) -> None:
    sentence = r"^There is no colour 'gren': did you mean green\? Choose one of red, blue, green, broken\.$"
    with pytest.raises(InputError, match=sentence):
        table.find("gren")
    with pytest.raises(InputError, match=r"^There is no colour 'xyz': choose one of red, .*, or a file\.$"):
        table.find("xyz", ", or a file")
    with pytest.raises(KeyError):
        table["xyz"]


def test_packages_that_cannot_be_imported(table: Table[object]) -> None:
    with pytest.raises(InputError, match=r"^The colour 'broken' of the package colours cannot be imported"):
        table.find("broken")


def test_later_imports_when_called() -> None:
    call = later("no_such_module:x")
    with pytest.raises(ModuleNotFoundError):
        call()
    assert later("builtins:max")(1, 3) == 3
