"""From the `metrics.json` of a finished evaluation to what was scored, provided that it is unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openvss.cli.scoring import ScoringChoice, find_task, from_model
from openvss.errors import InputError

if TYPE_CHECKING:
    from openvss.evaluation.ground_truth import Task
    from openvss.evaluation.predictions import Predictions

LOADED_BY = {"options", "weights_sha256", "size", "context", "precision"}


def task_again(run: str, result: Mapping[str, Any]) -> Task:
    """The data, words and rules of the evaluation in the folder `run`."""
    from openvss.data.catalogue import open_dataset
    from openvss.evaluation.hashes import data_sha256

    data = result["data"]
    _require_there(run, "data", data["root"])
    dataset = open_dataset(f"{data['name']}:{data['root']}", data["split"])
    # labels of a built-in list may share synonyms, which is an error in a user's own words
    listed = (result.get("word_list") or "").partition("@")[0]
    task = find_task(dataset, listed or ", ".join(result["words"]), result["protocol"])
    if data_sha256(dataset) != data.get("sha256") or [str(word) for word in task.words] != result["words"]:
        raise InputError(
            f"The data in {data['root']} or their words have changed since {run} was made: evaluate again."
        )
    return task


def scored_again(run: str, result: Mapping[str, Any], task: Task) -> Predictions:
    """What the evaluation in the folder `run` scored: its model, loaded again, or its masks."""
    from openvss.evaluation.predictions import FolderPredictions

    scored: Predictions
    model = result["model"]
    if model is None:
        _require_there(run, "masks", result["predictions"])
        scored = FolderPredictions(Path(result["predictions"]), task.dataset, task.words, task.rules)
        same = scored.origin["predictions_sha256"] == result.get("predictions_sha256")
    else:
        scored = from_model(task, _choice(run, model))
        same = scored.origin["model"]["weights_sha256"] == model["weights_sha256"]
    if not same:
        what = "masks" if model is None else "weights"
        raise InputError(f"The {what} that {run} was made with have changed since then: evaluate again.")
    return scored


def _choice(run: str, model: Mapping[str, Any]) -> ScoringChoice:
    if not model.keys() >= LOADED_BY:
        raise InputError(f"{run} does not say how its model was loaded: evaluate again.")
    weights = model.get("weights")
    if weights:
        _require_there(run, "weights", weights)
    return ScoringChoice(
        model=model["name"],
        weights=Path(weights) if weights else None,
        untrained=model["weights_sha256"] is None,
        option=model["options"],
        size=model["size"],
        context=model["context"],
        precision=model["precision"],
    )


def _require_there(run: str, what: str, place: str) -> None:
    if not Path(place).exists():
        raise InputError(
            f"{run} was made with {what} in {place}, which does not exist: run this command in the folder in "
            "which `openvss evaluate` ran, or evaluate again."
        )
