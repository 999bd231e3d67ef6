"""`report.md`: the result as a page that can be read without this software; and all files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openvss.evaluation.compare import RESULTS, data_title, short
from openvss.evaluation.folder import ResultFolder
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.markdown import percent, plain, table
from openvss.evaluation.metrics.base import ReportSection
from openvss.evaluation.metrics.catalogue import all_columns
from openvss.evaluation.report.results import metrics, metrics_json
from openvss.evaluation.runner import Evaluation
from openvss.wording import counted


def write(folder: ResultFolder, task: Task, found: Evaluation) -> dict[str, Any]:
    """Write all files of the evaluation; returns the content of `metrics.json`."""
    result = metrics(task, folder.settings, found)
    with folder.reporting():
        folder.drafts.mkdir(exist_ok=True)
        pictures = illustrate(folder.drafts, title(result), task, found, result)
        for metric in found.metrics.values():
            for file, text in metric.tables(result).items():
                _write(folder.drafts / file, text)
        sections = [part for name in sorted(found.metrics) for part in found.metrics[name].sections(result)]
        _write(folder.drafts / "report.md", markdown(result, task, sections, pictures))
        _write(folder.drafts / RESULTS, metrics_json(result))
    folder.publish()
    return result


def illustrate(
    folder: Path, title: str, task: Task, found: Evaluation, result: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Draw the pictures that have content; gives each file and what it shows."""
    return [
        drawn for metric in found.metrics.values() for drawn in metric.pictures(folder, task, result, title)
    ]


def title(result: Mapping[str, Any]) -> str:
    """What was scored on what, in a few words."""
    model = result["model"]
    scored = model["name"] if model else Path(result["predictions"]).resolve().name
    return f"{data_title(result['data'])} · {scored}"


def markdown(
    result: Mapping[str, Any],
    task: Task,
    sections: Sequence[ReportSection],
    pictures: Sequence[tuple[str, str]],
) -> str:
    """The text of `report.md`."""
    data = result["data"]
    headline = {column.name: percent(result[key]) for key, column in all_columns().items() if key in result}
    kind = "video" if task.is_video else "image"
    numbers = f"{counted(data['videos'], kind)}, {counted(data['frames'], 'labelled frame')}"
    parts = [
        f"# {plain(title(result))}",
        f"{numbers}; protocol `{result['protocol']}`: {task.rules.about} {plain(uncounted(data))}".rstrip(),
        "All numbers are per cent; how each is defined is written in `docs/evaluate.md` of OpenVSS.",
        table(list(headline), [list(headline.values())]),
    ]
    parts += [f"## {part.heading}\n\n{part.text}" for part in sections if not part.after_pictures]
    parts += [f"## {what}\n\n![{what}]({file})" for file, what in pictures]
    parts += [f"## {part.heading}\n\n{part.text}" for part in sections if part.after_pictures]
    parts += ["## How it was made", _settings(result)]
    return "\n\n".join(parts) + "\n"


def uncounted(data: Mapping[str, Any]) -> str:
    """A sentence about classes of the label files that are not scored; empty if all are."""
    names = " and ".join(f'"{name}"' for name in data["uncounted"])
    return f"Pixels of {names} do not count." if names else ""


def _settings(result: Mapping[str, Any]) -> str:
    data, model = result["data"], result["model"]
    truth = result["ground_truth"][:12]
    rows = [["data", f"{plain(data['name'])}, split {plain(data['split'])}, ground truth {truth}"]]
    if model:
        rows.append(["model", plain(", ".join(f"{key} {short(value)}" for key, value in model.items()))])
    else:
        rows.append(["predictions", plain(result["predictions"])])
    rows += [
        ["protocol", f"`{result['protocol']}`"],
        ["word list", result["word_list"] or "none of the built-in ones"],
        ["words", plain(", ".join(result["words"]))],
        ["versions", ", ".join(f"{name} {version}" for name, version in result["versions"].items())],
    ]
    return table(["setting", "value"], rows)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
