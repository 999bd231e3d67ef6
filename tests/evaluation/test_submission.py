from __future__ import annotations

import errno
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openvss.errors import InputError, OutputError
from openvss.evaluation.submission import Submission
from openvss.video.labelmap import Labels


def predictions() -> dict[tuple[str, str], Labels]:
    rng = np.random.default_rng(0)
    names = [("1005_bF", "00000245"), ("1005_bF", "00000246"), ("7_x", "00000001")]
    found: dict[tuple[str, str], Labels] = {
        name: rng.integers(0, 124, (6, 9)).astype(np.uint8) for name in names
    }
    found[names[0]][0, :2] = 0, 123
    return found


def write(path: Path) -> None:
    with Submission(path) as submission:
        for (video, frame), labels in predictions().items():
            submission.add(video, f"{frame}.jpg", labels)


def test_what_is_written_reads_back_as_class_ids(tmp_path: Path) -> None:
    path = tmp_path / "submission.zip"
    write(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{video}/{frame}.png" for video, frame in predictions()]
        for (video, frame), labels in predictions().items():
            with Image.open(io.BytesIO(archive.read(f"{video}/{frame}.png"))) as image:
                assert image.mode == "P"
                assert np.array_equal(np.asarray(image), labels)
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_predictions_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        write(tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_wide_labels_are_written_like_narrow_ones(tmp_path: Path) -> None:
    write(tmp_path / "narrow.zip")
    with Submission(tmp_path / "wide.zip") as submission:
        for (video, frame), labels in predictions().items():
            submission.add(video, frame, labels.astype(np.uint16))
    assert (tmp_path / "narrow.zip").read_bytes() == (tmp_path / "wide.zip").read_bytes()


@pytest.mark.parametrize("wrong", [124, 255])
def test_ids_that_are_no_class_are_refused_and_nothing_is_left(tmp_path: Path, wrong: int) -> None:
    with (
        pytest.raises(InputError, match=rf"7_x/0001\.png holds the id {wrong}, .*no pixel unlabelled"),
        Submission(tmp_path / "submission.zip") as submission,
    ):
        submission.add("7_x", "0001", np.full((2, 2), wrong, np.uint8))
    assert not list(tmp_path.iterdir())


def test_a_frame_is_given_once(tmp_path: Path) -> None:
    with Submission(tmp_path / "submission.zip") as submission:
        submission.add("7_x", "0001.jpg", np.zeros((2, 2), np.uint8))
        with pytest.raises(InputError, match=r"7_x/0001\.png is given twice"):
            submission.add("7_x", "0001.png", np.zeros((2, 2), np.uint8))


def test_an_error_leaves_an_earlier_submission_alone(tmp_path: Path) -> None:
    path = tmp_path / "submission.zip"
    write(path)
    before = path.read_bytes()
    with pytest.raises(InputError), Submission(path) as submission:
        submission.add("7_x", "0001", np.full((2, 2), 255, np.uint8))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "submission.zip"
    with pytest.raises(OutputError, match=r"Cannot write the submission .*No such file.*another place"):
        Submission(path)
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError, match="Cannot write the submission"):
        write(tmp_path / "taken")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OutputError, match="No space left"):
        write(tmp_path / "submission.zip")
    assert not list(tmp_path.iterdir())
