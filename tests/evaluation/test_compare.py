"""Several evaluations in one table, and what is not comparable is marked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openvss.errors import InputError
from openvss.evaluation.compare import as_json, best, columns, compare, short


def write_run(folder: Path, **changes: Any) -> Path:
    run: dict[str, Any] = {
        "miou": 0.25, "fwiou": 0.5, "macc": 0.5, "pacc": 0.6, "mvc8": None,
        "ground_truth": "aa", "data": {"name": "vspw", "root": str(folder), "split": "val"},
        "protocol": "plain", "word_list": None, "words": ["sky", "road"],
        "model": {"name": "tiny"}, "predictions": None,
    }  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({**run, **changes}))
    return folder


def test_runs_on_the_same_terms(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a")
    second = write_run(tmp_path / "b", miou=0.5, pacc=0.1, model=None, predictions="theirs/masks")
    rows = compare([first, second / "metrics.json"])
    assert [row.run for row in rows] == ["a", "b"]
    assert [row.scored for row in rows] == ["tiny", "theirs/masks"]
    assert columns(rows) == ["miou", "fwiou", "macc", "pacc"]
    assert best(rows) == {"miou": 0.5, "fwiou": 0.5, "macc": 0.5, "pacc": 0.6}
    assert as_json(rows)["comparable"] is True


@pytest.mark.parametrize(
    ("change", "mark"),
    [
        ({"ground_truth": "bb"}, "data"),
        ({"data": {"name": "vspw", "root": "x", "split": "test"}}, "data"),
        ({"data": {"name": "vspw", "root": "x", "split": "val", "pictures_sha256": "b"}}, "pictures"),
        ({"objects": [{"sequence": "lake", "words": ["swan"]}]}, "objects"),
        ({"protocol": "vspw-80-44"}, "protocol"),
        ({"words": ["sky", "street"]}, "words"),
        ({"words": ["road", "sky"]}, "words"),
    ],
)
def test_other_terms_are_marked(tmp_path: Path, change: dict[str, Any], mark: str) -> None:
    rows = compare(
        [write_run(tmp_path / "a"), write_run(tmp_path / "b", **change), write_run(tmp_path / "c")]
    )
    assert [row.differs for row in rows] == [(), (mark,), ()]
    assert best(rows) == {}
    assert as_json(rows)["comparable"] is False


def test_what_models_of_one_name_differ_in_is_said(tmp_path: Path) -> None:
    models = [
        {"name": "tiny", "size": 320, "weights_sha256": 64 * "a", "options": {}, "device": "cpu"},
        {
            "name": "tiny",
            "size": 64,
            "weights_sha256": 64 * "b",
            "options": {"smoothing": 0},
            "weights": "b.safetensors",
            "device": "cpu",
        },
    ]
    rows = compare([write_run(tmp_path / str(i), model=model) for i, model in enumerate(models)])
    assert [row.scored for row in rows] == [
        "tiny, size 320, weights aaaaaaaaaaaa",
        "tiny, size 64, weights bbbbbbbbbbbb, options smoothing=0",
    ]


def test_runs_of_named_objects_have_no_miou(tmp_path: Path) -> None:
    paths = [write_run(tmp_path / name, object_iou=value) for name, value in (("a", 0.5), ("b", 0.25))]
    for path in paths:
        run = json.loads((path / "metrics.json").read_text())
        for key in ("miou", "fwiou", "macc", "pacc"):
            del run[key]
        (path / "metrics.json").write_text(json.dumps(run))
    rows = compare(paths)
    assert columns(rows) == ["object_iou"]
    assert best(rows) == {"object_iou": 0.5}


def test_the_lowest_flicker_is_the_best(tmp_path: Path) -> None:
    rows = compare(
        [
            write_run(tmp_path / "a", miou_strict=0.25, flicker=0.5),
            write_run(tmp_path / "b", miou_strict=0.125, flicker=0.25),
        ]
    )
    assert columns(rows) == ["miou", "miou_strict", "fwiou", "macc", "pacc", "flicker"]
    assert (best(rows)["miou_strict"], best(rows)["flicker"]) == (0.25, 0.25)


def test_names_that_repeat_become_paths(tmp_path: Path) -> None:
    rows = compare([write_run(tmp_path / "x" / "run"), write_run(tmp_path / "y" / "run")])
    assert [row.run for row in rows] == [str(tmp_path / "x" / "run"), str(tmp_path / "y" / "run")]


def test_unusable_runs_are_one_sentence(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.json").write_text("not json")
    (tmp_path / "other.json").write_text("{}")
    for path, message in (
        (tmp_path / "empty", "holds no finished evaluation"),
        (tmp_path / "nothing", "holds no finished evaluation"),
        (tmp_path / "text.json", "cannot be read as the result of an evaluation"),
        (tmp_path / "other.json", "keys are missing"),
    ):
        with pytest.raises(InputError, match=message):
            compare([run, path])
    for place, (key, value) in enumerate(
        (
            ("model", "tiny"),
            ("model", {}),
            ("predictions", 3),
            ("data", []),
            ("data", {"name": "vspw", "split": "val"}),
            ("protocol", None),
            ("words", 7),
            ("word_list", ["sky"]),
            ("ground_truth", {}),
            ("miou", "0.5"),
        )
    ):
        changes = {key: value} if key != "predictions" else {key: value, "model": None}
        odd = write_run(tmp_path / str(place), **changes)
        with pytest.raises(InputError, match=f"evaluate writes {key} in another form"):
            compare([run, odd])


def test_a_setting_in_a_table() -> None:
    """Of hashes the beginning; any other text whole, however long."""
    assert short("0123456789abcdef" * 4) == "0123456789ab"
    assert short("miou on vspw val, step 4000".ljust(64, "0")) == "miou on vspw val, step 4000".ljust(64, "0")
