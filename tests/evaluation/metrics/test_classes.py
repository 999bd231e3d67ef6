"""The table of classes in a report."""

from __future__ import annotations

from openvss.evaluation.metrics.classes import ClassScores
from openvss.evaluation.metrics.confusion import Confusion
from openvss.evaluation.metrics.frame_picks import FramePicks


def test_the_table_has_groups_and_shares_of_pixels() -> None:
    about = {"accuracy": 0.5, "predicted": 1}
    rows = [
        {"id": 0, "name": "sky", "group": "seen", "iou": 0.25, "pixels": 30, **about},
        {"id": 1, "name": "road", "group": None, "iou": 0.75, "pixels": 10, **about},
        {"id": 2, "name": "tree", "group": "unseen", "iou": None, "pixels": 0, **about},
    ]
    (section,) = ClassScores(255, Confusion.empty(3), FramePicks()).sections({"per_class": rows})
    assert section.after_pictures
    assert section.text.splitlines() == [
        "| class | group | IoU | accuracy | share of pixels |",
        "| --- | --- | --- | --- | --- |",
        "| road |  | 75.00 | 50.00 | 25.00 |",
        "| sky | seen | 25.00 | 50.00 | 75.00 |",
        "",
        "1 of 3 classes do not occur in the ground truth.",
    ]


def test_of_many_classes_the_best_and_the_worst_are_shown() -> None:
    about = {"group": None, "accuracy": 0.5, "pixels": 1, "predicted": 1}
    rows = [{"id": i, "name": f"class {i}", "iou": i / 100, **about} for i in range(70)]
    (section,) = ClassScores(255, Confusion.empty(70), FramePicks()).sections({"per_class": rows})
    shown = [line.split(" | ")[0] for line in section.text.splitlines()[2:62]]
    assert shown == [f"| class {i}" for i in (*range(69, 39, -1), *range(29, -1, -1))]
    assert section.text.endswith("The best and the worst 30; 10 more are in `per_class.csv`.")
