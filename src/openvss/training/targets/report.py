"""What a round of pseudo-labels achieved: pass rates in numbers, before and after in pictures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from openvss.errors import TrainingError
from openvss.evaluation.pictures.canvas import FAINT, INK, MARGIN, blank
from openvss.evaluation.pictures.frames import GAP, PANEL, tinted
from openvss.training.data.training_set import SampleSource
from openvss.training.targets.teacher import BEFORE, LABELS, LabelFolder, UnlabelledPicture
from openvss.video.colours import colours_for
from openvss.video.formats.masks import read_mask
from openvss.video.images import read_image
from openvss.video.lettering import fitted, write
from openvss.video.pixels import Pixels
from openvss.wording import counted

REPORT = "report.json"
SHOWN = 6
HEADS = ("picture", "model's masks that passed the gate", "refined: the pseudo-label")
TYPE, NAMED = 17, 34  # height of the line with the words
REMEDY = "lower targets.options.threshold, or name words that occur in the pictures"


def write_report(done: LabelFolder, pictures: Sequence[UnlabelledPicture]) -> dict[str, Any]:
    """Write `report.json` and `before_after.png` beside the labels of a finished round."""
    lines = [done.lines[picture.name] for picture in pictures]
    numbers = summary(lines, done.names)
    (done.folder / REPORT).write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    draw_before_after(done, pictures).save(done.folder / "before_after.png")
    return numbers


def summary(lines: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Shares of pictures, words and pixels that passed."""
    passed = Counter(word for line in lines for word in line["words"])
    total = sum(passed.values())
    return {
        "pictures": len(lines),
        "pictures_with_words": sum(bool(line["words"]) for line in lines),
        "words_a_picture": total / max(1, len(lines)),
        "labelled_pixels": float(np.mean([line["labelled"] for line in lines])),
        "changed_pixels": float(np.mean([line["changed"] for line in lines])),
        "drifted_masks": sum(sum(line["drifted"]) for line in lines) / max(1, total),
        "words_that_never_passed": sum(word not in passed for word in range(len(names))),
        "pictures_of_word": {names[word]: count for word, count in passed.most_common()},
    }


def draw_before_after(done: LabelFolder, pictures: Sequence[UnlabelledPicture]) -> Image.Image:
    """A few pictures, evenly spread: plain, under the model's masks, and under the pseudo-label."""
    step = max(1, len(pictures) // SHOWN)
    rows = [_panels(done, picture) for picture in pictures[::step][:SHOWN]]
    top = MARGIN + 30
    height = top + sum(panels[0].height + NAMED for _, panels in rows) + MARGIN
    sheet, draw = blank(2 * MARGIN + 3 * PANEL + 2 * GAP, height)
    for place, head in enumerate(HEADS):
        write(draw, (MARGIN + place * (PANEL + GAP), MARGIN), head, FAINT, TYPE, "lm")
    for title, panels in rows:
        for place, panel in enumerate(panels):
            sheet.paste(panel, (MARGIN + place * (PANEL + GAP), top))
        top += panels[0].height
        named = fitted(title, TYPE, 3 * PANEL)
        write(draw, (MARGIN, top + NAMED / 2), named, INK, TYPE, "lm")
        top += NAMED
    return sheet


def _panels(done: LabelFolder, picture: UnlabelledPicture) -> tuple[str, list[Image.Image]]:
    pixels = read_image(picture.path)
    table = np.array(colours_for(done.names), np.uint8)
    masks = [read_mask(done.folder / part / f"{picture.name}.png") for part in (BEFORE, LABELS)]
    line = done.lines[picture.name]
    sure = sorted(zip(line["confidence"], line["words"], strict=True), reverse=True)
    title = ", ".join(f"{done.names[word]} {100 * c:.0f} %" for c, word in sure) or "no word passed"
    views = [pixels, *(tinted(pixels, mask, table) for mask in masks)]
    return f"{picture.name} · {title}", [_panel(view) for view in views]


def _panel(pixels: Pixels) -> Image.Image:
    height = max(1, round(PANEL * pixels.shape[0] / pixels.shape[1]))
    return Image.fromarray(pixels).resize((PANEL, height), Image.Resampling.BOX)


@dataclass(frozen=True)
class Passed:
    """What a round achieved on one data set.

    Attributes:
        name: Of the set and its split.
        numbers: The report of the round, without the counts of single words.
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
            f"{self.name}: words passed the gate in {some} of {counted(n, 'picture')} "
            f"({100 * some / n:.0f} %), {words:.1f} a picture; "
            f"{100 * pixels:.1f} % of the pixels are labelled"
        )
        return f"{rate}. WARNING: nothing is learnt from it in this round: {REMEDY}" if self.nothing else rate


def passed(sources: Sequence[SampleSource]) -> list[Passed]:
    """The last round of every data set whose labels the run makes."""
    found = []
    for source in sources:
        file = source.made / REPORT if source.made and source.setting.labels == "made" else None
        if file is not None and file.is_file():  # other makers need not leave one
            numbers = json.loads(file.read_text(encoding="utf-8"))
            numbers.pop("pictures_of_word")
            found.append(Passed(f"{source.setting.set} {source.dataset.split}", numbers))
    return found


def require_some(found: Sequence[Passed], sources: Sequence[SampleSource]) -> None:
    """Raise an error if a round left nothing at all to learn from."""
    if found and len(found) == len(sources) and all(one.nothing for one in found):
        pictures = sum(one.numbers["pictures"] for one in found)
        some = sum(one.numbers["pictures_with_words"] for one in found)
        raise TrainingError(
            f"No pixel of the {counted(pictures, 'picture')} got a label (words passed the gate in {some} of "
            f"them), so there is nothing to learn from: {REMEDY}, or "
            "start from a model that is more confident."
        )
