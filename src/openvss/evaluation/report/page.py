"""`report.md`: the result as a page that can be read without this software; and all files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from openvss.evaluation.compare import RESULTS, data_title, short
from openvss.evaluation.folder import ResultFolder
from openvss.evaluation.metrics.consistency import LENGTHS
from openvss.evaluation.report.illustrations import illustrate
from openvss.evaluation.report.results import metrics, metrics_json, per_class_csv
from openvss.evaluation.runner import Evaluation
from openvss.evaluation.task import Task

NAMES = {
    "object_iou": "object IoU",
    "boundary_f": "boundary F",
    "miou": "mIoU",
    "miou_strict": "mIoU (strict)",
    "fwiou": "fwIoU",
    "macc": "mAcc",
    "pacc": "pAcc",
    "seen_miou": "seen mIoU",
    "unseen_miou": "unseen mIoU",
    "hiou": "hIoU",
    "mvc8": "mVC8",
    "mvc16": "mVC16",
    "flicker": "flicker",
}
MOST_CLASSES = 60  # of more, the table has the best and the worst half
PICTURES = (
    ("classes.png", "IoU of each class"),
    ("objects.png", "IoU of each object"),
    ("confusion.png", "Which class is taken for which"),
    ("best.png", "Best frames"),
    ("worst.png", "Worst frames"),
    ("flicker.png", "Label flicker: where the prediction changes although the ground truth does not"),
)
MODE_NOTES = {
    "paper": "all windows, ignored pixels left out, mean over a video and then over videos",
    "vspw": "as VSPW's published script: last window missing, ignored pixels count, windows pooled",
    "correct": "as `paper`, but stable pixels must also be right",
}
OBJECTS_NOTE = (
    "Masks show one named object a sequence: any of its words finds it; what is around it has no class."
)


def write(folder: ResultFolder, task: Task, found: Evaluation) -> dict[str, Any]:
    """Write all files of the evaluation; returns the content of `metrics.json`."""
    result = metrics(task, folder.settings, found)
    with folder.reporting():
        folder.drafts.mkdir(exist_ok=True)
        illustrate(folder.drafts, title(result), task, found, result)
        pictures = [(file, what) for file, what in PICTURES if (folder.drafts / file).exists()]
        if "per_class" in result:
            _write(folder.drafts / "per_class.csv", per_class_csv(result))
        _write(folder.drafts / "report.md", markdown(result, task.rules.about, pictures))
        _write(folder.drafts / RESULTS, metrics_json(result))
    folder.publish()
    return result


def title(result: Mapping[str, Any]) -> str:
    """What was scored on what, in a few words."""
    model = result["model"]
    scored = model["name"] if model else Path(result["predictions"]).resolve().name
    return f"{data_title(result['data'])} · {scored}"


def markdown(result: Mapping[str, Any], about: str, pictures: Sequence[tuple[str, str]]) -> str:
    """The text of `report.md`."""
    data = result["data"]
    headline = {NAMES[key]: percent(result[key]) for key in NAMES if key in result}
    kind = "video" if "consistency" in result else "image"
    counted = f"{_plural(data['videos'], kind)}, {_plural(data['frames'], 'labelled frame')}"
    parts = [
        f"# {title(result)}",
        f"{counted}; protocol `{result['protocol']}`: {about} {uncounted(data)}".rstrip(),
        "All numbers are per cent; how each is defined is written in `docs/evaluate.md` of OpenVSS.",
        _table(list(headline), [list(headline.values())]),
    ]
    if "consistency" in result:
        parts += ["## Temporal consistency", _consistency(result["consistency"])]
    if "objects" in result:
        parts += ["## Objects", OBJECTS_NOTE, _objects(result["objects"])]
    for file, what in pictures:
        parts += [f"## {what}", f"![{what}]({file})"]
    if "per_class" in result:
        parts += ["## Classes", _classes(result["per_class"])]
    parts += ["## How it was made", _settings(result)]
    return "\n\n".join(parts) + "\n"


def uncounted(data: Mapping[str, Any]) -> str:
    """A sentence about classes of the label files that are not scored; empty if all are."""
    names = " and ".join(f'"{name}"' for name in data["uncounted"])
    return f"Pixels of {names} do not count." if names else ""


def percent(value: float | None) -> str:
    """A fraction as per cent, a dash where there is no number."""
    return "–" if value is None else f"{100 * value:.2f}"


def _consistency(modes: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [
            f"`{mode}`",
            *(percent(modes[mode][f"mvc{n}"]) for n in LENGTHS),
            *(f"{modes[mode][f'mvc{n}_windows']} ({modes[mode][f'mvc{n}_skipped_videos']})" for n in LENGTHS),
            MODE_NOTES[mode],
        ]
        for mode in modes
    ]
    counts = (f"windows of {n} (videos skipped)" for n in LENGTHS)
    return _table(["mode", *(f"mVC{n}" for n in LENGTHS), *counts, "what counts"], rows)


def _objects(objects: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        [one["sequence"], " or ".join(one["words"]), percent(one["iou"]), percent(one["boundary_f"])]
        for one in objects
    ]
    return _table(["sequence", "object", "IoU", "boundary F"], rows)


def _classes(rows: Sequence[Mapping[str, Any]]) -> str:
    present = sorted((row for row in rows if row["pixels"]), key=lambda row: (-row["iou"], row["name"]))
    total = sum(row["pixels"] for row in present)
    omitted = len(present) - MOST_CLASSES
    half = MOST_CLASSES // 2
    grouped = any(row["group"] for row in rows)
    shown = present if omitted <= 0 else [*present[:half], *present[-half:]]
    table = _table(
        ["class", *(["group"] if grouped else []), "IoU", "accuracy", "share of pixels"],
        [
            [
                row["name"],
                *([row["group"] or ""] if grouped else []),
                percent(row["iou"]),
                percent(row["accuracy"]),
                percent(row["pixels"] / total),
            ]
            for row in shown
        ],
    )
    notes = []
    if omitted > 0:
        notes.append(f"The best and the worst {half}; {omitted} more are in `per_class.csv`.")
    if len(present) < len(rows):
        notes.append(f"{len(rows) - len(present)} of {len(rows)} classes do not occur in the ground truth.")
    return "\n\n".join([table, *notes])


def _settings(result: Mapping[str, Any]) -> str:
    data, model = result["data"], result["model"]
    rows = [["data", f"{data['name']}, split {data['split']}, ground truth {result['ground_truth'][:12]}"]]
    if model:
        rows.append(["model", ", ".join(f"{key} {short(value)}" for key, value in model.items())])
    else:
        rows.append(["predictions", f"`{result['predictions']}`"])
    rows += [
        ["protocol", f"`{result['protocol']}`"],
        ["word list", result["word_list"] or "none of the built-in ones"],
        ["words", ", ".join(result["words"])],
        ["versions", ", ".join(f"{name} {version}" for name, version in result["versions"].items())],
    ]
    return _table(["setting", "value"], rows)


def _plural(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
