"""Runs that are damaged, killed or out of space, and then continued: the same bytes in the end."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Container
from pathlib import Path

import pytest

from openvss.errors import InputError, OutputError
from openvss.evaluation.folder import ResultFolder
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.report import page
from openvss.evaluation.runner import run as evaluate
from openvss.storage.atomic import delete
from openvss.storage.directory import PARTIAL
from tests.evaluation.sets import Noisy, folder_for, task_of, write_set
from tests.hostile.campaign import DAMAGES, require_sentence, tally, watchdog
from tests.training.processes import fork, wait
from tests.video.runs import contents, feed, finished, interrupted, made, open_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
FORMATS = ("png", "rle")
SEEDS = 4
KILLS = 10


def _lose(path: Path, rng: random.Random) -> None:
    delete(path)


def _empty(path: Path, rng: random.Random) -> None:
    path.write_bytes(b"")


def _folder(path: Path, rng: random.Random) -> None:
    delete(path)
    path.mkdir()


def _link(path: Path, rng: random.Random) -> None:
    delete(path)
    path.symlink_to("nowhere")


def _unlike(path: Path, rng: random.Random) -> None:
    path.write_text(
        rng.choice(["null", "[]", "{}", '{"output": 1}', '{"output": {"formats": 5}}', "[" * 9000])
    )


REPLACED: dict[str, Callable[[Path, random.Random], None]] = {
    "lose": _lose,
    "empty": _empty,
    "folder": _folder,
    "link": _link,
    "unlike": _unlike,
}


def damage(folder: Path, kind: str, rng: random.Random, suffixes: Container[str] = ()) -> str:
    """Damage one file of a folder; its name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    files = [path for path in files if not suffixes or path.suffix in suffixes]
    path, other = rng.choice(files), rng.choice(files).read_bytes()
    if kind in DAMAGES:
        path.write_bytes(DAMAGES[kind](path.read_bytes(), other, rng))
    else:
        REPLACED[kind](path, rng)
    return str(path.relative_to(folder))


def go_on(out: Path, *, overwrite: bool = False) -> str:
    """Continue or replace a run, and how that ended."""
    try:
        with (
            watchdog(),
            open_folder(out, formats=FORMATS, resume=not overwrite, overwrite=overwrite) as folder,
        ):
            if not folder.complete:
                feed(folder, made())
            return "nothing to do" if folder.complete else "continued"
    except (InputError, OutputError) as error:
        require_sentence(error)
        return "refused"


@pytest.mark.parametrize("kind", [*DAMAGES, *REPLACED])
def test_damaged_runs(tmp_path: Path, kind: str) -> None:
    whole, counts = finished(tmp_path / "whole", FORMATS), Counter[str]()
    for state in ("interrupted", "finished"):
        for seed in range(SEEDS):
            rng = random.Random(f"{kind} {state} {seed}")
            out = tmp_path / f"{state}{seed}"
            if state == "finished":
                finished(out, FORMATS)
            else:
                interrupted(out, rng.randrange(1, 6), FORMATS)
            name = damage(out, kind, rng)
            how = go_on(out)
            counts[how] += 1
            case = (state, seed, name)
            if how == "continued":
                assert contents(out) == whole, case
            elif how == "nothing to do":  # whatever it was, the masks and the statistics are as they were
                kept = {key: value for key, value in contents(out).items() if key.endswith(".png")}
                assert kept.items() <= whole.items(), case
                assert len(kept) == len(made()), case
            elif kind not in ("folder", "link") and go_on(out, overwrite=True) == "continued":
                counts["replaced"] += 1
                assert contents(out) == whole, case
    tally(counts)
    assert counts["refused"] + counts["continued"] + counts["nothing to do"] == 2 * SEEDS


def test_killed_at_any_moment(tmp_path: Path) -> None:
    whole, rng, counts = finished(tmp_path / "whole", FORMATS), random.Random(0), Counter[str]()
    for number in range(KILLS):
        out = tmp_path / f"killed{number}"

        def work(out: Path = out) -> None:
            with open_folder(out, formats=FORMATS) as folder:
                for item in made():
                    folder.write(item.frame, item.labels)
                    time.sleep(0.005)

        child = fork(work)
        time.sleep(rng.uniform(0, 0.08))
        os.kill(child, signal.SIGKILL)
        counts["killed" if wait(child) == -signal.SIGKILL else "done before"] += 1
        assert go_on(out) in ("continued", "nothing to do")
        assert contents(out) == whole
    tally(counts, killed=1)


@pytest.mark.parametrize("most", [0, 60, 150, 400, 1500, 4000, 10_000])
def test_out_of_space(tmp_path: Path, most: int) -> None:
    """Files may have so many bytes, then none can be written."""

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        with (
            pytest.raises(OutputError, match=r"Cannot write to .*File too large.*--resume"),
            open_folder(tmp_path / "out") as folder,
        ):
            feed(folder, made())

    whole = finished(tmp_path / "whole")
    assert wait(fork(work)) == 0
    left = [path.name for path in (tmp_path / "out").iterdir()] if (tmp_path / "out").exists() else []
    assert set(left) <= {PARTIAL, "masks"}
    with open_folder(tmp_path / "out", resume=True) as folder:
        feed(folder, made())
    assert contents(tmp_path / "out") == whole


def test_damaged_evaluations(tmp_path: Path) -> None:
    task, counts = task_of(write_set(tmp_path / "set", (4, 3, 2))), Counter[str]()

    def score(out: Path, *, resume: bool, stop_after: int | None = None) -> None:
        folder = folder_for(out, task, Noisy(task.dataset), resume=resume)
        try:
            _evaluate(task, folder, stop_after)
        finally:
            folder.release()

    score(tmp_path / "whole", resume=False)
    whole = contents(tmp_path / "whole")
    for kind in (*DAMAGES, "lose", "empty", "unlike"):
        for seed in range(2):
            rng, out = random.Random(f"{kind} {seed}"), tmp_path / f"{kind}{seed}"
            with pytest.raises(KeyboardInterrupt):
                score(out, resume=False, stop_after=8)
            name = damage(out, kind, rng)
            try:
                with watchdog():
                    score(out, resume=True)
            except InputError as error:
                require_sentence(error)
                counts["refused"] += 1
            else:
                counts["continued"] += 1
                assert contents(out) == whole, (kind, seed, name)
    tally(counts, continued=10)


def _evaluate(task: Task, folder: ResultFolder, stop_after: int | None) -> None:
    predictions = Noisy(task.dataset, stop_after)
    page.write(folder, task, evaluate(task, predictions, folder))
