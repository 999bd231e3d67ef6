"""Several evaluations in one table, with a mark on those that were not scored under the same rules."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from openvss.errors import InputError
from openvss.evaluation.metrics.catalogue import all_columns

RESULTS = "metrics.json"
REQUIRED = {"data", "ground_truth", "protocol", "words", "model", "predictions"}
TERMS = ("data", "pictures", "objects", "protocol", "words")  # on which runs are scored


@dataclass(frozen=True)
class Compared:
    """One evaluation as a row of the table.

    Attributes:
        run: The name of its folder, or its whole path where names repeat.
        scored: The model, with those of its settings in which the runs differ; or the folder of predictions.
        data: Name and split of the data set.
        protocol: What was asked.
        word_list: The built-in list, or how many words of one's own.
        metrics: Those that tables show and that it has, as fractions.
        differs: In which settings it differs from the first run; empty if the two can be compared.
    """

    run: str
    scored: str
    data: str
    protocol: str
    word_list: str
    metrics: dict[str, float | None]
    differs: tuple[str, ...]


def compare(runs: Sequence[Path]) -> list[Compared]:
    """Read the folders that `openvss evaluate` wrote; the others are compared with the first."""
    found = [read_run(path) for path in runs]
    telling = _differing([run["model"] for run in found if run["model"]])
    names = [path.parent.resolve().name if path.name == RESULTS else path.resolve().name for path in runs]
    return [
        _row(name if names.count(name) == 1 else str(path), run, found[0], telling)
        for name, path, run in zip(names, runs, found, strict=True)
    ]


def columns(rows: Sequence[Compared]) -> list[str]:
    """The metrics that at least one row has, in the usual order."""
    return [name for name in all_columns() if any(row.metrics.get(name) is not None for row in rows)]


def best(rows: Sequence[Compared]) -> dict[str, float]:
    """The best value of each column; nothing unless all rows can be compared."""
    if any(row.differs for row in rows):
        return {}
    shown = all_columns()
    values = {name: [row.metrics.get(name) for row in rows] for name in columns(rows)}
    return {
        name: (min if shown[name].lowest_is_best else max)(v for v in found if v is not None)
        for name, found in values.items()
    }


def as_json(rows: Sequence[Compared]) -> dict[str, Any]:
    """What `--json` prints."""
    return {"comparable": not any(row.differs for row in rows), "runs": [asdict(row) for row in rows]}


def data_title(data: Mapping[str, Any]) -> str:
    """What a data set is called in a few words: a folder by its own name, and the split if it has any."""
    name = Path(data["root"]).resolve().name if data["name"] == "folder" else data["name"]
    return name if data["split"] == "all" else f"{name} {data['split']}"


def short(value: object) -> str:
    """A setting of a model in a table: options as they are typed, of a hash the beginning."""
    if isinstance(value, dict):
        return " ".join(f"{key}={entry}" for key, entry in value.items()) or "none"
    text = str(value)
    return text[:12] if re.fullmatch("[0-9a-f]{64}", text) else text


def read_run(path: Path) -> dict[str, Any]:
    """The `metrics.json` of a folder, or the file itself."""
    file = path / RESULTS if path.is_dir() else path
    try:
        run = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(run, dict) or not (run.keys() >= REQUIRED and run.keys() & all_columns().keys()):
            raise ValueError("keys are missing")
        wrong = _misshapen(run)
        if wrong:
            raise ValueError(f"evaluate writes {' and '.join(wrong)} in another form")
    except FileNotFoundError:
        raise InputError(
            f"{path} holds no finished evaluation ({RESULTS} is missing): "
            "name a folder that `openvss evaluate` wrote."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"{file} cannot be read as the result of an evaluation ({error}): evaluate again."
        ) from error
    return run


def _misshapen(run: Mapping[str, Any]) -> list[str]:
    """The keys whose values have other types than the table needs."""
    model, words = run["model"], run["words"]
    sound = {
        "data": _has_texts(run["data"], "name", "root", "split"),
        "ground_truth": isinstance(run["ground_truth"], str),
        "protocol": isinstance(run["protocol"], str),
        "word_list": isinstance(run.get("word_list"), str | None),
        "words": isinstance(words, list) and all(isinstance(word, str) for word in words),
        "model": model is None or _has_texts(model, "name"),
        "predictions": model is not None or isinstance(run["predictions"], str),
        **{key: isinstance(run[key], float | int | None) for key in all_columns() if key in run},
    }
    return [key for key, is_sound in sound.items() if not is_sound]


def _has_texts(value: object, *keys: str) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in keys)


def _differing(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """Settings of models that are not the same in all of them; weights are known by their hash."""
    keys = dict.fromkeys(key for model in models for key in model if key not in ("name", "weights"))
    return [key for key in keys if any(model.get(key) != models[0].get(key) for model in models)]


def _scored(run: Mapping[str, Any], telling: Sequence[str]) -> str:
    model = run["model"]
    if not model:
        return str(run["predictions"])
    settings = (f"{key.removesuffix('_sha256')} {short(model[key])}" for key in telling if model.get(key))
    return ", ".join([model["name"], *settings])


def _row(name: str, run: Mapping[str, Any], first: Mapping[str, Any], telling: Sequence[str]) -> Compared:
    return Compared(
        run=name,
        scored=_scored(run, telling),
        data=data_title(run["data"]),
        protocol=run["protocol"],
        word_list=run.get("word_list") or f"{len(run['words'])} own words",
        metrics={key: run[key] for key in all_columns() if key in run},
        differs=tuple(key for key in TERMS if _terms(run, key) != _terms(first, key)),
    )


def _terms(run: Mapping[str, Any], key: str) -> Any:
    """What has to be equal; where the data are stored does not matter."""
    if key == "data":
        return run["data"]["name"], run["data"]["split"], run["ground_truth"]
    if key == "pictures":
        return run["data"].get("pictures_sha256")
    if key == "objects":
        return [(one["sequence"], one["words"]) for one in run.get("objects", ())]
    return run[key]
