"""Reading ahead: bounded, in order, and over when the consumer is."""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest
from av import VideoFrame

from openvss.video.prefetch import prefetch
from openvss.video.sources import open_source
from tests.video.clips import write_clip, write_frames


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "openvss-read"]


def is_open(path: Path) -> bool:
    return str(path) in {file.path for file in psutil.Process().open_files()}


def test_bounded_and_in_order() -> None:
    n_made = 0

    def make() -> Generator[int, None, None]:
        nonlocal n_made
        for i in range(50):
            n_made += 1
            yield i

    for n_taken, item in enumerate(prefetch(make(), depth=3), start=1):
        assert item == n_taken - 1
        assert n_made <= n_taken + 3 + 1  # and one waiting to be put
    assert n_made == 50


def test_errors_come_after_the_items_before_them() -> None:
    def make() -> Generator[int, None, None]:
        yield 1
        yield 2
        raise KeyError("third")

    items = prefetch(make())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(KeyError, match="third"):
        next(items)
    assert not readers()


def test_the_producer_ends_with_the_consumer() -> None:
    ended = threading.Event()

    def make() -> Generator[int, None, None]:
        try:
            while True:
                yield 0
        finally:
            ended.set()

    for n_taken in (1, 2, 9):
        ended.clear()
        items = prefetch(make(), depth=2)
        for _ in range(n_taken):
            next(items)
        items.close()  # type: ignore[attr-defined]
        assert ended.is_set()
        assert not readers()


@pytest.mark.parametrize("n_taken", [1, 5, 40])
def test_a_video_is_closed_when_the_consumer_stops(tmp_path: Path, n_taken: int) -> None:
    path = write_clip(tmp_path / "a.mp4", n=40)
    frames = iter(open_source(path))
    for _ in range(n_taken):
        next(frames)
    assert n_taken == 40 or is_open(path)
    del frames
    assert not readers()
    assert not is_open(path)


def test_a_video_is_closed_after_an_error_of_the_consumer(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", n=40)

    def consume() -> None:
        for _ in open_source(path):
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        consume()
    assert not readers()
    assert not is_open(path)


def test_decoded_frames_do_not_wait_for_the_garbage_collector(tmp_path: Path) -> None:
    source = open_source(write_clip(tmp_path / "a.mp4", n=60, rotation=90))
    gc.collect()
    gc.disable()
    try:
        for _ in source:
            n_alive = sum(type(thing) is VideoFrame for thing in gc.get_objects())
            assert n_alive < 20
    finally:
        gc.enable()


def test_nothing_is_read_before_the_first_frame_is_asked_for(tmp_path: Path) -> None:
    source = open_source(write_frames(tmp_path, ["0.png", "1.png"]))
    iter(source)
    assert not readers()
