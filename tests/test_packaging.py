"""What is installed: the library with all that it reads, and nothing of what stands beside it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "src" / "openvss"
SMALL_ENOUGH = 60e6  # bytes


def build(target: str, out: Path) -> Path:
    """The only file that a build without the network makes."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_library_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    name, version, *_ = wheel.name.split("-")
    assert {path.split("/")[0] for path in names} == {"openvss", f"{name}-{version}.dist-info"}


def test_the_wheel_holds_all_of_the_library(wheel: Path) -> None:
    """Code, the model card, weights, embedded words and lists of words."""
    names = set(zipfile.ZipFile(wheel).namelist())
    files = [path.relative_to(ROOT / "src").as_posix() for path in LIBRARY.rglob("*") if path.is_file()]
    needed = [name for name in files if "__pycache__" not in name]
    for suffix in (".md", ".safetensors", ".txt", ".typed"):
        assert any(name.endswith(suffix) for name in needed)
    assert not [name for name in needed if name not in names]


def test_the_wheel_is_small_enough(wheel: Path) -> None:
    assert wheel.stat().st_size < SMALL_ENOUGH


def test_the_source_distribution_holds_what_is_listed(tmp_path: Path) -> None:
    """Whoever has it can run the tests, the projects and the benchmarks."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = settings["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"src", "tests", "projects", "benchmarks", "results", "recipes", "docs", "examples"} <= set(listed)
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    paths = [path for entry in listed for path in (ROOT / entry, *(ROOT / entry).rglob("*"))]
    files = [path for path in paths if path.is_file() and "__pycache__" not in path.parts]
    assert not {path.relative_to(ROOT).as_posix() for path in files} - names
    assert {name.split("/")[0] for name in names} == {*listed, "pyproject.toml", "PKG-INFO", ".gitignore"}
