"""Tests stand where the code stands that they test."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
# `hostile`: campaigns against all of the library; `outside`: a package of somebody else
BESIDE_THE_LIBRARY = {"benchmarks", "examples", "hostile", "outside"}


def folders(root: Path, pattern: str) -> set[str]:
    """Where files are found, seen from a root."""
    return {path.parent.relative_to(root).as_posix() for path in root.rglob(pattern)}


def test_every_folder_of_tests_is_a_package_of_the_library() -> None:
    packages = folders(ROOT / "src" / "openvss", "__init__.py")
    found = folders(ROOT / "tests", "test_*.py")
    assert len(found) > 10
    assert not found - packages - BESIDE_THE_LIBRARY


def test_projects_keep_their_tests() -> None:
    projects = {path.parent.name for path in (ROOT / "projects").glob("*/__init__.py")}
    tested = {path.parents[1].name for path in (ROOT / "projects").glob("*/tests/test_*.py")}
    assert projects == tested
    assert all((ROOT / "projects" / name / "README.md").exists() for name in projects)
