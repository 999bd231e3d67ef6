"""Cameras and network streams, as far as they go without hardware."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from openvss.errors import BrokenVideoError, InputError
from openvss.video.frame import Frame
from openvss.video.sources import open_source
from tests.video.clips import index_of, write_clip


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder; of `half.ts` only the first half arrives."""

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def copyfile(self, source: Any, outputfile: Any) -> None:
        data = source.read()
        outputfile.write(data[: len(data) // 2] if "half" in self.path else data)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path))) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["a.ts", "a.mkv"])
def test_stream(tmp_path: Path, server: str, name: str) -> None:
    write_clip(tmp_path / name, n=6)
    source = open_source(f"http://{server}/{name}")
    assert (source.kind, source.size, source.rate, source.path) == ("stream", (64, 48), Fraction(15), None)
    frames = list(source)
    assert [index_of(f.pixels) for f in frames] == [f.index for f in frames] == list(range(6))
    with pytest.raises(InputError, match="only once"):
        iter(source)


def test_a_stream_that_stops(tmp_path: Path, server: str) -> None:
    write_clip(tmp_path / "half.ts", n=60, options={"bf": "0", "g": "1"})
    frames: list[Frame] = []
    source = open_source(f"http://{server}/half.ts")
    with pytest.raises(BrokenVideoError, match=rf"http://{server}/half.ts stopped at frame \d+"):
        frames.extend(source)
    assert 10 < len(frames) < 60


def test_passwords_stay_out_of_the_name(tmp_path: Path, server: str) -> None:
    write_clip(tmp_path / "a.ts", n=6)
    source = open_source(f"http://me:secret@{server}/a.ts")
    assert source.name == f"http://{server}/a.ts"
    assert len(list(source)) == 6
    with pytest.raises(InputError) as caught:
        open_source(f"http://me:secret@{server}/b.ts")
    assert "secret" not in str(caught.value)


def test_addresses_that_cannot_be_reached(server: str) -> None:
    with pytest.raises(InputError, match=r"missing\.mp4 cannot be read \(.*404"):
        open_source(f"http://{server}/missing.mp4")
    with pytest.raises(InputError, match="connection refused"):
        open_source("rtsp://127.0.0.1:9/camera")
    with pytest.raises(InputError, match="protocol not found"):
        open_source("nonsense://127.0.0.1/camera")


def test_a_page_is_no_stream(tmp_path: Path, server: str) -> None:
    (tmp_path / "page.html").write_text("<p>no video</p>" * 30)
    with pytest.raises(InputError, match=r"page\.html cannot be read"):
        open_source(f"http://{server}/page.html")


def test_a_camera_that_cannot_be_opened() -> None:
    with pytest.raises(InputError, match=r"Camera 97 cannot be opened \(.+\)"):
        open_source("97")
