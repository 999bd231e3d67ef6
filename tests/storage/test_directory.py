from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from openvss.errors import InputError, OutputError
from openvss.storage import lock as lock_module
from openvss.storage.directory import RunDirectory, refuse_foreign
from openvss.storage.lock import is_held
from openvss.storage.settings import Settings


class Contents:
    """A kind of run that notes what it is asked."""

    def __init__(
        self,
        found: Settings | None = None,
        differing: Sequence[object] = (),
        finished: bool = False,
        error: BaseException | None = None,
    ) -> None:
        self._found, self._differing, self._finished, self._error = found, differing, finished, error
        self.asked: list[object] = []

    def found(self) -> Settings | None:
        if self._error:
            raise self._error
        return self._found

    def differences(self, found: Settings) -> Sequence[object]:
        self.asked.append(("differences", found))
        return self._differing

    def take_up(self) -> bool:
        self.asked.append("take up")
        return self._finished

    def begin(self, found: Settings | None) -> None:
        self.asked.append(("begin", found))


EARLIER: Mapping[str, object] = {"size": 1}


@pytest.mark.parametrize("how", [{"resume": True, "overwrite": False}, {"resume": False, "overwrite": False}])
def test_an_empty_folder_is_begun(tmp_path: Path, how: dict[str, bool]) -> None:
    contents, directory = Contents(), RunDirectory(tmp_path / "a" / "out")
    assert directory.claim(contents, **how) is False
    assert contents.asked == [("begin", None)]
    assert is_held(tmp_path / "a" / "out")
    directory.release()
    assert not list((tmp_path / "a" / "out").iterdir())


def test_a_run_is_not_replaced_unasked(tmp_path: Path) -> None:
    contents = Contents(EARLIER)
    for kind, called in (("run", "a run"), ("evaluation", "an evaluation")):
        sentence = (
            rf"^{tmp_path} already holds {called}: continue it with --resume, replace it with --overwrite, "
            r"or choose another --out\.$"
        )
        with pytest.raises(InputError, match=sentence):
            RunDirectory(tmp_path, kind).claim(contents, resume=False, overwrite=False)
    assert contents.asked == [("differences", EARLIER)] * 2
    assert not is_held(tmp_path)


def test_a_run_of_something_else_is_not_to_be_continued(tmp_path: Path) -> None:
    sentence = (
        rf"^{tmp_path} already holds a run made with different settings \(the words\): replace it with "
        r"--overwrite, or choose another --out\.$"
    )
    with pytest.raises(InputError, match=sentence):
        RunDirectory(tmp_path).claim(Contents(EARLIER, ["the words"]), resume=False, overwrite=False)
    assert not is_held(tmp_path)


def test_overwriting_begins_in_its_place(tmp_path: Path) -> None:
    contents, directory = Contents(EARLIER), RunDirectory(tmp_path)
    assert directory.claim(contents, resume=False, overwrite=True) is False
    assert contents.asked == [("begin", EARLIER)]
    assert is_held(tmp_path)
    directory.release()


@pytest.mark.parametrize("finished", [False, True])
def test_resuming_takes_up(tmp_path: Path, finished: bool) -> None:
    contents, directory = Contents(EARLIER, finished=finished), RunDirectory(tmp_path)
    assert directory.claim(contents, resume=True, overwrite=False) is finished
    assert contents.asked == [("differences", EARLIER), "take up"]
    assert is_held(tmp_path) is not finished
    directory.release()


@pytest.mark.parametrize(
    ("number", "named"), [(1, "0"), (2, "0; 1"), (5, "0; 1; 2; 3; 4"), (7, "0; 1; 2; 3; 4; and 2 more")]
)
def test_differing_settings_are_named(tmp_path: Path, number: int, named: str) -> None:
    contents = Contents(EARLIER, differing=range(number))
    sentence = (
        rf"^The run in {tmp_path} was made with different settings \({named}\): resume it with the "
        r"same ones, replace it with --overwrite, or choose another --out\.$"
    )
    with pytest.raises(InputError, match=sentence):
        RunDirectory(tmp_path).claim(contents, resume=True, overwrite=False)
    assert "take up" not in contents.asked
    assert not is_held(tmp_path)


def test_resume_and_overwrite_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="use only one of them"):
        RunDirectory(tmp_path / "out").claim(Contents(), resume=True, overwrite=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("error", [InputError("no"), ZeroDivisionError(), KeyboardInterrupt()])
def test_any_error_lets_go_of_the_folder(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        RunDirectory(tmp_path).claim(Contents(error=error), resume=False, overwrite=False)
    assert caught.value is error
    assert not list(tmp_path.iterdir())


def test_errors_of_the_file_system_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OutputError, match="is full"):
        RunDirectory(tmp_path).claim(Contents(error=full), resume=False, overwrite=False)
    assert not list(tmp_path.iterdir())

    def refuse(descriptor: int, *, blocking: bool) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock_module, "lock_descriptor", refuse)
    with pytest.raises(OutputError, match="does not support locks"):
        RunDirectory(tmp_path).claim(Contents(), resume=False, overwrite=False)


def test_a_second_run_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    first, contents = RunDirectory(tmp_path), Contents(EARLIER)
    first.claim(Contents(), resume=False, overwrite=False)
    with pytest.raises(InputError, match="Another run is writing"):
        RunDirectory(tmp_path).claim(contents, resume=False, overwrite=True)
    assert contents.asked == []
    with pytest.raises(InputError, match="Another run is writing"):
        first.claim(contents, resume=True, overwrite=False)
    assert contents.asked == []
    assert is_held(tmp_path)  # nobody who was refused has released it
    first.disown()
    assert not is_held(tmp_path)


def test_foreign_files_are_named(tmp_path: Path) -> None:
    refuse_foreign([])
    sentence = r"^a\.txt already exists and was not made by OpenVSS: move it away or choose another --out\.$"
    with pytest.raises(InputError, match=sentence):
        refuse_foreign([Path("a.txt"), Path("b.txt")])
