"""What one video adds to a result, and how it is kept on disk until the whole result is there."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from openvss.evaluation.metrics.confusion import Confusion
from openvss.evaluation.metrics.consistency import VideoConsistency
from openvss.evaluation.metrics.objects import ObjectOverlap
from openvss.evaluation.report.looks import FlickerLook, Look, Looks
from openvss.storage.atomic import replacing


@dataclass(frozen=True, eq=False)
class VideoScore:
    """The counts of one video.

    Attributes:
        name: Its name in the data set.
        frames: How many labelled frames it has.
        ground_truth: Hash of all its labels, so that results can tell whether they are about the same data.
        confusion: Of all its frames; of no classes if it has a named object.
        consistency: Of its labelled frames.
        flicker: (still pixels that changed their word, still pixels) over its transitions.
        object: Counts of its named object, if it has one.
        looks: What of it may be shown.
    """

    name: str
    frames: int
    ground_truth: str
    confusion: Confusion
    consistency: VideoConsistency
    flicker: tuple[int, int]
    object: ObjectOverlap | None
    looks: Looks


def save(score: VideoScore, path: Path) -> None:
    """Write a score so that the file is there whole or not at all."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    looks: dict[str, list[Any]] = {"best": [], "worst": [], "flicker": []}
    for kind, chosen in (("best", score.looks.best), ("worst", score.looks.worst)):
        for place, look in enumerate(chosen):
            arrays[f"{kind}{place}"] = look.prediction
            looks[kind].append([look.video, look.frame, look.score])
    for place, video in enumerate(score.looks.flicker):
        arrays |= {f"{part}{place}": getattr(video, part) for part in ("changed", "still", "steps")}
        looks["flicker"].append([video.video, video.score])
    values = {
        "name": score.name,
        "frames": score.frames,
        "ground_truth": score.ground_truth,
        "confusion": score.confusion.to_dict(),
        "consistency": score.consistency.to_dict(),
        "flicker": score.flicker,
        "object": score.object.to_dict() if score.object else None,
        "looks": looks,
    }
    arrays["values"] = np.frombuffer(json.dumps(values).encode(), dtype=np.uint8)
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> VideoScore | None:
    """What `save` wrote; None if it is not there or was damaged, and so has to be made again."""
    try:
        with np.load(path) as arrays:
            values = json.loads(arrays["values"].tobytes())
            return VideoScore(
                name=values["name"],
                frames=values["frames"],
                ground_truth=values["ground_truth"],
                confusion=Confusion.from_dict(values["confusion"]),
                consistency=VideoConsistency.from_dict(values["consistency"]),
                flicker=(values["flicker"][0], values["flicker"][1]),
                object=ObjectOverlap.from_dict(values["object"]) if values["object"] else None,
                looks=_looks(values["looks"], arrays),
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        return None


def _looks(values: dict[str, list[Any]], arrays: Any) -> Looks:
    frames = {
        kind: [
            Look(video, frame, score, arrays[f"{kind}{place}"])
            for place, (video, frame, score) in enumerate(values[kind])
        ]
        for kind in ("best", "worst")
    }
    flicker = [
        FlickerLook(video, score, *(arrays[f"{part}{place}"] for part in ("changed", "still", "steps")))
        for place, (video, score) in enumerate(values["flicker"])
    ]
    return Looks(frames["best"], frames["worst"], flicker)
