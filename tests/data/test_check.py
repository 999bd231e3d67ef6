"""`check`: a sentence for each problem."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from openvss.data.check import check, summary
from tests.data import trees


def vspw(root: Path) -> str:
    trees.video(root, "1_a", [[1], [2], [3]])
    trees.video(root, "2_b", [[4]])
    trees.text(root / "val.txt", "1_a", "2_b")
    return f"vspw:{root}"


def test_a_sound_set_has_no_problems_and_a_summary(tmp_path: Path) -> None:
    spec = vspw(tmp_path)
    seen: list[tuple[int, int]] = []
    assert list(check(spec, on_progress=lambda done, total: seen.append((done, total)))) == []
    assert seen == [(1, 2), (2, 2)]
    assert summary(spec) == "vspw, split val: 2 videos, 4 frames, 4 label files, 124 words."


def test_one_of_a_kind_is_counted_in_the_singular(tmp_path: Path) -> None:
    trees.video(tmp_path, "a", [[1], [1]])
    (tmp_path / "data/a/mask/00000001.png").unlink()
    trees.text(tmp_path / "classes.txt", "1 sky")
    assert summary(f"folder:{tmp_path}") == "folder, split all: 1 video, 2 frames, 1 label file, 1 word."


def test_every_problem_has_a_sentence(tmp_path: Path) -> None:
    spec = vspw(tmp_path)
    video = tmp_path / "data/1_a"
    (video / "mask/00000000.png").unlink()
    trees.picture(video / "mask/00000001.png")
    trees.picture(video / "origin/00000002.jpg", (4, 6))
    trees.label(video / "mask/00000009.png", [1])
    (tmp_path / "data/2_b/origin/00000000.jpg").write_bytes(b"no image")
    (tmp_path / "data/3_c/origin").mkdir(parents=True)
    trees.video(tmp_path, "4_d", [[200]])
    trees.picture(tmp_path / "data/5_e/origin/00000000.jpg")
    trees.text(tmp_path / "val.txt", "1_a", "2_b", "3_c", "4_d", "5_e")
    problems = list(check(spec))
    expected = [
        "1_a/mask/00000000.png is missing: get a complete copy of the data.",
        "1_a/mask/00000009.png has no image in ",
        "1_a/mask/00000001.png is a RGB picture",
        "1_a/mask/00000002.png is 3x2, but its image ",
        "2_b/origin/00000000.jpg cannot be read",
        "3_c has no frames",
        "4_d/mask/00000000.png holds the id 200,",
        "5_e has no labels",
    ]
    assert len(problems) == len(expected)
    for sentence, part in zip(problems, expected, strict=True):
        assert part in sentence
        assert sentence.endswith(".")


def test_frames_of_a_video_have_one_size(tmp_path: Path) -> None:
    trees.video(tmp_path, "a", [[1], [1]])
    trees.picture(tmp_path / "data/a/origin/00000001.jpg", (4, 6))
    trees.save(tmp_path / "data/a/mask/00000001.png", np.ones((4, 6), np.uint8))
    trees.text(tmp_path / "classes.txt", "1 sky")
    (problem,) = check(f"folder:{tmp_path}")
    assert "00000001.jpg is 6x4, but 00000000.jpg is 3x2" in problem


def test_what_cannot_be_opened_is_the_one_problem(tmp_path: Path) -> None:
    (problem,) = check(f"ade150:{tmp_path}")
    assert problem.startswith(f"The folder {tmp_path}/images/validation does not exist")


def test_secret_labels_are_mentioned_once(tmp_path: Path) -> None:
    for name in ("1_a", "2_b"):
        trees.picture(tmp_path / f"data/{name}/origin/00000000.jpg")
    trees.text(tmp_path / "test.txt", "1_a", "2_b")
    (problem,) = check(f"vspw:{tmp_path}", "test")
    assert "Nothing in the split 'test'" in problem


def test_files_that_belong_to_labels_are_no_labels(tmp_path: Path) -> None:
    name = "lindau_000003_000019"
    labels = tmp_path / "gtFine/val/lindau"
    trees.picture(tmp_path / f"leftImg8bit/val/lindau/{name}_leftImg8bit.png")
    trees.label(labels / f"{name}_gtFine_labelIds.png", [7])
    trees.picture(labels / f"{name}_gtFine_color.png")
    assert list(check(f"cityscapes:{tmp_path}")) == []
    trees.label(labels / "lindau_000004_000019_gtFine_labelIds.png", [7])
    (problem,) = check(f"cityscapes:{tmp_path}")
    assert "lindau_000004_000019_gtFine_labelIds.png has no image" in problem
