"""Documentation that leads somewhere: every relative link exists, and first commands work as printed."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from openvss.data.make import make
from openvss.data.synthetic.job import RenderOptions
from tests.cli.runner import Runner

ROOT = Path(__file__).parents[1]
FOLDERS = ("docs", "projects", "results")
PAGES = [*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in ROOT.glob(f"{folder}/**/*.md"))]
CARDS = [*ROOT.glob("src/**/*.md")]  # installed with the package, without what is around them here


def relative_links(page: Path) -> list[str]:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    return [link for link in links if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_exist(page: Path) -> None:
    assert not [link for link in relative_links(page) if not (page.parent / link).exists()]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_an_installed_card_names_files_of_the_repository_in_words(card: Path) -> None:
    """A relative link would lead nowhere; a path that is named leads somewhere from the repository's root."""
    text = card.read_text(encoding="utf-8")
    assert not relative_links(card)
    named = re.findall(r"`((?:projects|results|docs|recipes)/[^`\s]*)`", text)
    assert named
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Runner:
    """In a folder that has the recipes, and no data where they expect some."""
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    monkeypatch.chdir(tmp_path)
    return Runner(monkeypatch, capsys)


def commands(page: str, block: int) -> list[list[str]]:
    """The commands of a block of a page, after `openvss`, with what a shell makes of `$(cat FILE)`."""
    text = (ROOT / page).read_text(encoding="utf-8").split("```\n")[2 * block + 1]
    text = re.sub(r"\$\(cat (\S+)\)", lambda match: (ROOT / match[1]).read_text(encoding="utf-8"), text)
    found = [shlex.split(line, comments=True) for line in re.split(r"^openvss ", text, flags=re.MULTILINE)]
    return found[1:]


ELSEWHERE = "/data/VSPW_480p"  # as the pages have it; recipes expect another place
ONE_STEP = ("--set", "schedule.steps=1", "--set", "schedule.warmup=0")


def here(command: list[str]) -> list[str]:
    """The command with data that are there."""
    return [word.replace(ELSEWHERE, "elsewhere") for word in command]


def small(train: list[str], twin: str) -> list[str]:
    """A command as printed, with a small model in place of published weights."""
    changes = shlex.split((ROOT / "recipes" / twin).read_text(encoding="utf-8"))
    assert train[2:4] == ["--set", f"data.train.0.set=vspw:{ELSEWHERE}"]
    return [*train[:2], *changes, *here(train[2:]), "--cpu"]


def test_first_commands_of_ov2vss(run: Runner, tmp_path: Path) -> None:
    make("vspw", tmp_path / "elsewhere", 0, RenderOptions(videos=1, frames=4, size=(48, 32)))
    printed, evaluate, segment, show = commands("docs/ov2vss.md", 0)
    train = small(printed, "ov2vss/small-mit-b2.set")
    plan = run.ok(*train, "--dry-run")
    assert "vspw:elsewhere train: 1 clip," in plan
    assert "1 validation of 8 frames" in plan
    run.ok(*train, *ONE_STEP)
    run.ok(*here(evaluate), "--device", "cpu")
    clip = str(next((tmp_path / "elsewhere" / "data").iterdir()) / "origin")
    run.ok(*(clip if word == "clip.mp4" else word for word in segment), "--device", "cpu")
    assert "option backbone" in run.ok(*show)


def test_first_commands_of_cffm(run: Runner, tmp_path: Path) -> None:
    make("vspw", tmp_path / "elsewhere", 0, RenderOptions(videos=1, frames=4, size=(48, 32)))
    local, plusplus, evaluate, *_ = commands("docs/cffm.md", 0)
    run.ok(*small(local, "cffm/small-vspw.set"), *ONE_STEP)
    run.ok(*small(plusplus, "cffm/small-vspw-plusplus.set"), *ONE_STEP)
    run.ok(*here(evaluate), "--device", "cpu")


def test_first_commands_of_ov2vss_in_small(run: Runner) -> None:
    make, train, evaluate, segment = commands("docs/ov2vss.md", 1)
    run.ok(*make, "--frames", "4")
    assert "vspw:data/small-vspw train: 1 clip," in run.ok(*train, "--cpu", "--dry-run")
    run.ok(*train, "--cpu", *ONE_STEP)
    run.ok(*evaluate, "--device", "cpu")
    run.ok(*segment, "--device", "cpu")
