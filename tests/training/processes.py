"""Runs training in processes of their own: forked, so that nothing has to be imported again."""

from __future__ import annotations

import os
import signal
import socket
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from accelerate.state import AcceleratorState, PartialState

from openvss.training.recipe.reader import read_stages
from openvss.training.run import RunOptions, train
from openvss.training.runs.log import Watcher


def fork(work: Callable[[], None], environment: Mapping[str, str] | None = None) -> int:
    """Start a process; returns its number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: torch has one here
        number = os.fork()
    if number:
        return number
    code = 1
    try:
        os.environ.update(environment or {})
        AcceleratorState._reset_state(reset_partial_state=True)
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def wait(number: int) -> int:
    """The exit code of a process, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def train_here(recipe: Path, out: Path, *, resume: bool = False) -> None:
    train(read_stages(recipe), out, RunOptions(resume=resume, cpu=True), Watcher())


def train_together(recipe: Path, out: Path, processes: int, *, resume: bool = False) -> list[int]:
    """Train on several processes that talk over loopback; their exit codes."""
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(processes)}
    numbers = [
        fork(
            lambda: _train_together(recipe, out, resume=resume),
            {**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(processes)
    ]
    return [wait(number) for number in numbers]


def _train_together(recipe: Path, out: Path, *, resume: bool) -> None:
    train_here(recipe, out, resume=resume)
    PartialState().destroy_process_group()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
