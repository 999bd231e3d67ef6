"""What a round of pseudo-labels came to: for the log, for the user, and an error if nothing is labelled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from openvss.errors import TrainingError
from openvss.training.data.frames import FrameSource
from openvss.training.targets.report import REPORT

REMEDY = "lower targets.options.threshold, or name words that are to be seen"


@dataclass(frozen=True)
class Passed:
    """Of one data set.

    Attributes:
        name: Of the set and its split.
        numbers: The report of the round, without the words one by one.
    """

    name: str
    numbers: dict[str, Any]

    @property
    def nothing(self) -> bool:
        """Whether no pixel has a label."""
        return self.numbers["labelled_pixels"] == 0

    def __str__(self) -> str:
        n, some = self.numbers["pictures"], self.numbers["pictures_with_words"]
        words, pixels = self.numbers["words_a_picture"], self.numbers["labelled_pixels"]
        rate = (
            f"{self.name}: words passed the gate in {some} of {n} pictures ({100 * some / n:.0f} %), "
            f"{words:.1f} a picture; {100 * pixels:.1f} % of the pixels are labelled"
        )
        return f"{rate}. WARNING: nothing is learnt from it in this round: {REMEDY}" if self.nothing else rate


def passed(sources: Sequence[FrameSource]) -> list[Passed]:
    """Of every data set whose labels are the model's own, as the round that was made last left it."""
    found = []
    for source in sources:
        file = source.made / REPORT if source.made and source.setting.labels == "made" else None
        if file is not None and file.is_file():  # other makers need not leave one
            numbers = json.loads(file.read_text(encoding="utf-8"))
            numbers.pop("pictures_of_word")
            found.append(Passed(f"{source.setting.set} {source.dataset.split}", numbers))
    return found


def require_some(found: Sequence[Passed], sources: Sequence[FrameSource]) -> None:
    """Complain about a round after which there is nothing at all to learn from."""
    if found and len(found) == len(sources) and all(one.nothing for one in found):
        pictures = sum(one.numbers["pictures"] for one in found)
        some = sum(one.numbers["pictures_with_words"] for one in found)
        raise TrainingError(
            f"No pixel of the {pictures} pictures got a label (words passed the gate in {some} of them), so "
            f"there is nothing to learn from: {REMEDY}, or start from a model that is surer."
        )
