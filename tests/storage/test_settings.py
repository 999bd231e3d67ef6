from __future__ import annotations

from pathlib import Path

from openvss.storage.settings import differences, read_settings


def shown(before: dict[str, object], now: dict[str, object]) -> list[str]:
    return [str(one) for one in differences(before, now)]


def test_equal_settings_do_not_differ() -> None:
    assert differences({"a": {"b": [1, 2]}, "c": None}, {"c": None, "a": {"b": [1, 2]}}) == []
    assert differences({"a": None}, {}) == []


def test_each_difference_is_named_with_both_values() -> None:
    before = {"size": 360, "data": {"split": "val", "root": "x"}, "old": "é"}
    now = {"size": 480, "data": {"split": "test", "root": "x"}, "new": True}
    assert shown(before, now) == [
        'data.split: "val" then, "test" now',
        "new: null then, true now",
        'old: "é" then, null now',
        "size: 360 then, 480 now",
    ]
    assert tuple(differences(before, now)[0]) == ("data.split", "val", "test")


def test_a_part_that_is_missing_differs_as_a_whole() -> None:
    assert shown({"model": {"name": "tiny"}}, {"model": None}) == ['model: {"name": "tiny"} then, null now']


def test_long_values_are_cut_and_hashes_left_out() -> None:
    (line,) = shown({"words": "x" * 58}, {"words": "x" * 59})
    assert line == f'words: "{"x" * 58}" then, "{"x" * 56}... now'
    assert shown({"data": {"sha256": "a"}, "input_sha256": "a"}, {"data": {"sha256": "b"}}) == [
        "data.sha256",
        "input_sha256",
    ]


def test_settings_are_read_where_there_are_any(tmp_path: Path) -> None:
    (tmp_path / "damaged").write_text('{"a": ')
    (tmp_path / "list").write_text("[1]")
    (tmp_path / "first").write_text('{"a": "é"}', encoding="utf-8")
    (tmp_path / "second").write_text('{"a": 2}')
    places = [tmp_path / name for name in ("none", "damaged", "list", "first", "second")]
    assert list(read_settings(places)) == [{"a": "é"}, {"a": 2}]
