"""Scoring a data set: right numbers, the same from a model and from its masks, and after an interruption."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from openvss.data.base import Clip, Ids
from openvss.data.make import make
from openvss.errors import InputError
from openvss.evaluation.folder import ResultFolder
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.predictions import FolderPredictions, Predictions
from openvss.evaluation.report import page as report
from openvss.evaluation.report.results import describe
from openvss.evaluation.runner import run
from openvss.evaluation.streaming import ModelPredictions
from openvss.segmenting.segmenter import Segmenter
from openvss.video.frame import Frame
from tests.evaluation.sets import WORDS, Noisy, folder_for, snapshot, task_of, write_set
from tests.models.two_frame import TwoFrame


def score(task: Task, predictions: Predictions, out: Path, *, resume: bool = False) -> dict[str, Any]:
    folder = folder_for(out, task, predictions, resume=resume)
    return report.write(folder, task, run(task, predictions, folder))


def numbers(result: dict[str, Any]) -> dict[str, Any]:
    origin = ("model", "predictions", "predictions_sha256")
    return {key: value for key, value in result.items() if key not in origin}


def write_predictions(task: Task, folder: Path, place: Callable[[Clip, int], str]) -> Path:
    made = Noisy(task.dataset)
    for clip in task.dataset.clips:
        for index, ids in made.of(clip):
            path = folder / place(clip, index)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(ids).save(path)
    return folder


def from_folder(task: Task, folder: Path) -> FolderPredictions:
    return FolderPredictions(folder, task.dataset, task.words, task.rules)


def by_clip(clip: Clip, index: int) -> str:
    return f"{clip.name}/{clip.frames[index].stem}.png"


def test_numbers_equal_a_loop_over_pixels(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set"))
    result = score(task, Noisy(task.dataset), tmp_path / "out")
    hit, true, predicted = np.zeros(4), np.zeros(4), np.zeros(4)
    for clip in task.dataset.clips:
        for index, ids in Noisy(task.dataset).of(clip):
            for t, p in zip(task.truth(clip, index).ravel().tolist(), ids.ravel().tolist(), strict=True):
                if t != 255:
                    true[t] += 1
                    hit[t] += t == p
                    predicted += np.arange(4) == p
    iou = hit / (true + predicted - hit)
    assert result["miou"] == pytest.approx(iou.mean(), abs=1e-12)
    assert result["pacc"] == pytest.approx(hit.sum() / true.sum(), abs=1e-12)
    assert [row["iou"] for row in result["per_class"]] == pytest.approx(iou.tolist())
    assert [row["pixels"] for row in result["per_class"]] == true.tolist()
    assert result["consistency"]["paper"]["mvc16_windows"] == 3
    assert result["consistency"]["vspw"]["mvc16_skipped_videos"] == 1


def test_perfect_predictions(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set")
    task = task_of(root)
    copies = tmp_path / "copies"  # the data set's own tree of label files, as a folder of predictions
    for clip in task.dataset.clips:
        for label in filter(None, clip.labels):
            target = copies / label.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(label.read_bytes())
    result = score(task, from_folder(task, copies), tmp_path / "out")
    for name in ("miou", "miou_strict", "fwiou", "macc", "pacc"):
        assert result[name] == 1.0
    # still truth has still predictions; only ignored pixels differ
    assert (result["mvc8"], result["mvc16"], result["flicker"]) == (1.0, 1.0, 0.0)


LAYOUTS: dict[str, Callable[[Clip, int], str]] = {
    "by clip": by_clip,
    "label tree": lambda clip, index: f"data/{clip.name}/mask/{clip.frames[index].stem}.png",
}
ONE_CLIP: dict[str, Callable[[Clip, int], str]] = {
    "run": lambda clip, index: f"masks/{index:06d}.png",
    "masks": lambda clip, index: f"{index:06d}.png",
    "stems": lambda clip, index: f"{clip.frames[index].stem}.png",
}


@pytest.mark.parametrize("layout", [*LAYOUTS, *ONE_CLIP])
def test_a_folder_scores_like_what_wrote_it(tmp_path: Path, layout: str) -> None:
    task = task_of(write_set(tmp_path / "set", (18, 3) if layout in LAYOUTS else (4,)))
    place = {**LAYOUTS, **ONE_CLIP}[layout]
    folder = write_predictions(task, tmp_path / "masks-of-others", place)
    direct = score(task, Noisy(task.dataset), tmp_path / "direct")
    again = score(task, from_folder(task, folder), tmp_path / "again")
    assert numbers(again) == numbers(direct)
    written, expected = ((tmp_path / run / "per_class.csv").read_bytes() for run in ("again", "direct"))
    assert written == expected


def test_images_may_lie_flat(tmp_path: Path) -> None:
    make("folder-images", tmp_path / "set")
    task = task_of(tmp_path / "set")
    folder = write_predictions(task, tmp_path / "flat", lambda clip, index: f"{clip.name}.png")
    result = score(task, from_folder(task, folder), tmp_path / "out")
    assert numbers(result) == numbers(score(task, Noisy(task.dataset), tmp_path / "direct"))
    assert "mvc8" not in result
    assert not (tmp_path / "out" / "flicker.png").exists()


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize(
    "layout", ["{city}/{name}.png", "{name}_leftImg8bit.png", "{city}/{name}_leftImg8bit.png"]
)
def test_cityscapes_with_or_without_earlier_frames(tmp_path: Path, layout: str, sequences: bool) -> None:
    make("cityscapes", tmp_path / "set")
    if not sequences:
        shutil.rmtree(tmp_path / "set" / "leftImg8bit_sequence", ignore_errors=True)
    task = task_of(tmp_path / "set", "cityscapes")
    assert (len(task.dataset.clips[0].frames) > 1) == sequences

    def place(clip: Clip, index: int) -> str:
        city, _, name = clip.name.partition("/")
        return layout.format(city=city, name=name)

    folder = write_predictions(task, tmp_path / "masks", place)
    result = score(task, from_folder(task, folder), tmp_path / "out")
    assert numbers(result) == numbers(score(task, Noisy(task.dataset), tmp_path / "direct"))


def test_frames_of_one_name_in_several_videos_are_no_flat_layout(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (3, 3), labelled=lambda index: index == 1))
    folder = write_predictions(task, tmp_path / "flat", lambda clip, index: f"{clip.frames[index].stem}.png")
    with pytest.raises(InputError, match="holds no predictions"):
        from_folder(task, folder)


@pytest.mark.parametrize("context", ["past", "whole"])
def test_a_model_streams_and_its_masks_score_the_same(
    tmp_path: Path, context: Literal["past", "whole"]
) -> None:
    """With references, and with frames that have no labels."""
    task = task_of(write_set(tmp_path / "set", (20, 5), labelled=lambda index: index % 3 != 1))
    model = TwoFrame()
    model.gate.data += 0.5
    segmenter = Segmenter(model, task.words, size=32, device="cpu", context=context)
    direct = score(task, ModelPredictions(segmenter, task.rules, {"name": "two"}), tmp_path / "direct")
    for clip in task.dataset.clips:
        (tmp_path / "masks" / clip.name).mkdir(parents=True)
        pixels = [np.asarray(Image.open(path).convert("RGB")) for path in clip.frames]
        frames = [Frame(index, Fraction(index, 15), p) for index, p in enumerate(pixels)]
        segmenter.begin_frames(frames)
        for frame, path in zip(frames, clip.frames, strict=True):
            labels = segmenter.step(frame).labels
            Image.fromarray(labels).save(tmp_path / "masks" / clip.name / f"{path.stem}.png")
    scored = score(task, from_folder(task, tmp_path / "masks"), tmp_path / "scored")
    assert numbers(scored) == numbers(direct)
    assert direct["data"]["frames"] == 13 + 3
    # no window of 8 frames lies between two frames without labels
    assert direct["consistency"]["paper"]["mvc8_windows"] == 0
    assert direct["mvc8"] is None


@pytest.mark.parametrize("stop_after", [0, 5, 18, 20, 30])
def test_interrupted_and_resumed_gives_the_same_bytes(tmp_path: Path, stop_after: int) -> None:
    task = task_of(write_set(tmp_path / "set", (18, 3, 9)))
    score(task, Noisy(task.dataset), tmp_path / "whole")
    cut = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        score(task, Noisy(task.dataset, stop_after), cut) if stop_after < 30 else stop_at_report(task, cut)
    assert not cut.exists() if stop_after < 18 else [path.name for path in cut.iterdir()] == [".partial"]
    seen: list[int] = []
    folder = folder_for(cut, task, Noisy(task.dataset), resume=True)
    finished = folder.finished_frames(task.dataset)
    assert finished == {0: 0, 5: 0, 18: 18, 20: 18, 30: 30}[stop_after]
    report.write(folder, task, run(task, Noisy(task.dataset, 30 - finished), folder, seen.append))
    assert seen[-1] == 30
    assert snapshot(cut) == snapshot(tmp_path / "whole")


def stop_at_report(task: Task, out: Path) -> None:
    folder = folder_for(out, task, Noisy(task.dataset))
    run(task, Noisy(task.dataset), folder)
    (folder.drafts / "classes.png").write_bytes(b"half")
    folder.release()  # as the end of a process does
    raise KeyboardInterrupt


def test_a_damaged_part_is_scored_again(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (3, 3)))
    score(task, Noisy(task.dataset), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        score(task, Noisy(task.dataset, 4), tmp_path / "cut")
    (tmp_path / "cut" / ".partial" / "000000.npz").write_bytes(b"PK damaged")
    score(task, Noisy(task.dataset), tmp_path / "cut", resume=True)
    assert snapshot(tmp_path / "cut") == snapshot(tmp_path / "whole")


def test_only_a_run_of_the_same_settings_is_resumed(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (3,)))
    score(task, Noisy(task.dataset), tmp_path / "out")
    other = Noisy(task.dataset)
    other.origin = {"model": {"name": "other"}, "predictions": None}
    with pytest.raises(InputError, match=r"different settings \(model\.name: \"noisy\" then, \"other\" now"):
        folder_for(tmp_path / "out", task, other, resume=True)
    with pytest.raises(InputError, match="already holds an evaluation"):
        folder_for(tmp_path / "out", task, other)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "report.md").write_text("mine")
    with pytest.raises(InputError, match=r"report\.md already exists"):
        folder_for(tmp_path / "foreign", task, other)


def test_only_a_run_of_the_same_masks_is_resumed_wherever_they_lie(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (3, 3)))
    masks = write_predictions(task, tmp_path / "masks", by_clip)
    before = score(task, from_folder(task, masks), tmp_path / "out")
    moved = masks.rename(tmp_path / "moved")
    folder = ResultFolder(tmp_path / "out", describe(task, from_folder(task, moved), {"openvss": "0"}))
    assert folder.claim(resume=True, overwrite=False)
    assert before["predictions"] == str(masks)
    ids = np.asarray(Image.open(moved / "v1" / "0002.png")).copy()
    ids[5, 5] = (ids[5, 5] + 1) % 4
    Image.fromarray(ids).save(moved / "v1" / "0002.png")
    with pytest.raises(InputError, match=r"different settings \(predictions_sha256\)"):
        folder_for(tmp_path / "out", task, from_folder(task, moved), resume=True)


def test_an_evaluation_is_replaced_only_by_a_finished_one(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (3, 3)))
    score(task, Noisy(task.dataset), tmp_path / "out")
    before = snapshot(tmp_path / "out")
    folder = ResultFolder(tmp_path / "out", describe(task, Noisy(task.dataset), {"openvss": "1"}))
    folder.claim(resume=False, overwrite=True)
    with pytest.raises(KeyboardInterrupt):
        run(task, Noisy(task.dataset, 1), folder)
    assert snapshot(tmp_path / "out") == before
    folder.claim(resume=False, overwrite=True)
    (tmp_path / "out" / "objects.png").touch()  # as if the earlier one had been of objects
    assert report.write(folder, task, run(task, Noisy(task.dataset), folder))["versions"] == {"openvss": "1"}
    assert not (tmp_path / "out" / "objects.png").exists()


def other_labels(root: Path) -> None:
    Image.new("L", (32, 24), 1).save(root / "data" / "v2" / "mask" / "0001.png")


def other_frames(root: Path) -> None:
    Image.new("RGB", (32, 24)).save(root / "data" / "v2" / "origin" / "0001.jpg")


def frames_of_the_same_size(root: Path) -> None:
    frame = root / "data" / "v2" / "origin" / "0001.jpg"
    content = bytearray(frame.read_bytes())
    content[-20] ^= 1
    frame.write_bytes(content)


def other_videos(root: Path) -> None:
    (root / "data" / "v0").rename(root / "data" / "v9")


@pytest.mark.parametrize("change", [other_labels, other_frames, frames_of_the_same_size, other_videos])
def test_only_a_run_of_the_same_data_is_resumed_wherever_they_lie(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    task = task_of(write_set(tmp_path / "set", (3, 3, 3)))
    with pytest.raises(KeyboardInterrupt):
        score(task, Noisy(task.dataset, 4), tmp_path / "out")
    moved = task_of((tmp_path / "set").rename(tmp_path / "moved"))
    folder = folder_for(tmp_path / "out", moved, Noisy(moved.dataset), resume=True)
    assert folder.finished_frames(moved.dataset) == 3
    folder.release()
    change(tmp_path / "moved")
    changed = task_of(tmp_path / "moved")
    with pytest.raises(InputError, match=r"different settings \(data\.(pictures_)?sha256(; data\.sha256)?\)"):
        folder_for(tmp_path / "out", changed, Noisy(changed.dataset), resume=True)


def test_a_part_of_another_video_is_scored_again(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (3, 3, 3)))
    score(task, Noisy(task.dataset), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        score(task, Noisy(task.dataset, 7), tmp_path / "cut")
    parts = tmp_path / "cut" / ".partial"
    (parts / "000001.npz").replace(parts / "000000.npz")
    score(task, Noisy(task.dataset), tmp_path / "cut", resume=True)
    assert snapshot(tmp_path / "cut") == snapshot(tmp_path / "whole")


def test_a_folder_is_written_by_one_run_at_a_time(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (3, 3)))
    first = folder_for(tmp_path / "out", task, Noisy(task.dataset))
    second = ResultFolder(tmp_path / "out", first.settings)
    for resume in (True, False):
        with pytest.raises(InputError, match="Another run is writing to"):
            second.claim(resume=resume, overwrite=not resume)
    with pytest.raises(KeyboardInterrupt):
        run(task, Noisy(task.dataset, 4), first)
    assert second.claim(resume=True, overwrite=False) is False
    assert second.finished_frames(task.dataset) == 3
    report.write(second, task, run(task, Noisy(task.dataset), second))
    assert first.claim(resume=True, overwrite=False) is True
    assert not list(tmp_path.rglob(".*"))


def damage_missing(folder: Path) -> None:
    (folder / "v1" / "0001.png").unlink()


def damage_size(folder: Path) -> None:
    Image.new("L", (32, 23)).save(folder / "v0" / "0002.png")


def damage_truth(folder: Path) -> None:
    Image.new("L", (32, 23)).save(folder.parent / "set" / "data" / "v0" / "mask" / "0002.png")


def damage_ids(folder: Path) -> None:
    Image.new("L", (32, 24), 4).save(folder / "v0" / "0002.png")


def damage_rgb(folder: Path) -> None:
    Image.new("RGB", (32, 24)).save(folder / "v0" / "0002.png")


def damage_file(folder: Path) -> None:
    (folder / "v0" / "0002.png").write_bytes(b"no picture")


def damage_both(folder: Path) -> None:
    damage_size(folder)
    damage_truth(folder)


def damage_words(folder: Path) -> None:
    (folder / "classes.json").write_text(json.dumps([{"name": "dog"}]))


def damage_order(folder: Path) -> None:
    (folder / "classes.json").write_text(json.dumps([{"name": name} for name in sorted(WORDS)]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_missing, r"1 of 21 predictions are missing, the first is .*v1/0001\.png"),
        (damage_size, r"v0/0002\.png is 32x23, but its ground truth .*mask/0002\.png is 32x24"),
        (
            damage_truth,
            r"mask/0002\.png is 32x23, but its image .*origin/0002\.jpg is 32x24: both must have",
        ),
        (
            damage_both,
            r"mask/0002\.png is 32x23, but its image .*origin/0002\.jpg is 32x24: both must have",
        ),
        (damage_ids, r"v0/0002\.png holds the id 4, but the list has 4 words"),
        (damage_rgb, r"v0/0002\.png is a RGB picture"),
        (damage_file, r"v0/0002\.png cannot be read"),
        (damage_words, r"classes\.json says that these masks were made with other words \(dog\)"),
        (damage_order, r"made with the words in another order \(person, road, sky, tree\)"),
    ],
)
def test_unusable_predictions_are_one_sentence(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    task = task_of(write_set(tmp_path / "set"))
    folder = write_predictions(task, tmp_path / "masks", by_clip)
    damage(folder)
    with pytest.raises(InputError, match=message):
        score(task, from_folder(task, folder), tmp_path / "out")


@pytest.mark.parametrize("part", ["", "masks"])
def test_masks_of_segment_count_from_0_whatever_the_frames_are_called(tmp_path: Path, part: str) -> None:
    root = write_set(tmp_path / "set", (5,))
    for kind in ("origin", "mask"):
        for file in sorted((root / "data" / "v0" / kind).iterdir(), reverse=True):
            file.rename(file.with_stem(f"{int(file.stem) + 1:06d}"))  # as ffmpeg counts
    task = task_of(root)
    made = write_predictions(task, tmp_path / "made", lambda clip, index: f"masks/{index:06d}.png")
    (made / "classes.json").write_text(json.dumps([{"name": name} for name in WORDS]))
    found = score(task, from_folder(task, made / part), tmp_path / "out")
    assert numbers(found) == numbers(score(task, Noisy(task.dataset), tmp_path / "direct"))


def test_the_ground_truth_is_no_prediction_of_itself(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (3,)))
    with pytest.raises(InputError, match="are the ground truth itself"):
        from_folder(task, tmp_path / "set")


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no predictions .* first frame is expected, .*v0/0000\.png"):
        from_folder(task, tmp_path / "empty")
    with pytest.raises(InputError, match="is not a folder"):
        from_folder(task, tmp_path / "nothing")


def test_palette_masks_keep_their_ids(tmp_path: Path) -> None:
    task = task_of(write_set(tmp_path / "set", (3,)))
    folder = write_predictions(task, tmp_path / "masks", by_clip)
    before = score(task, from_folder(task, folder), tmp_path / "grey")
    for path in folder.rglob("*.png"):
        with Image.open(path) as image:
            image.load()
        image.putpalette(bytes(range(255, -1, -1)) * 3)
        image.save(path)
    assert numbers(score(task, from_folder(task, folder), tmp_path / "palette")) == numbers(before)


class Constant:
    """Always the first word that the protocol lets a model choose."""

    origin: dict[str, Any] = {"model": {"name": "constant"}, "predictions": None}  # noqa: RUF012

    def __init__(self, task: Task) -> None:
        self._task = task

    def of(self, clip: Clip) -> Any:
        for index, label in enumerate(clip.labels):
            if label is not None:
                zeros: Ids = np.zeros_like(self._task.labels(clip, index))
                yield index, self._task.rules.classes_of_model(zeros)

    def name(self, clip: Clip, index: int) -> str:
        return clip.name


@pytest.mark.parametrize(
    ("layout", "protocol", "groups"),
    [
        ("vspw", "vspw-80-44", {"seen_miou", "unseen_miou", "hiou"}),
        ("vspw", "vspw-80-44-unseen", {"unseen_miou"}),
        ("cityscapes", "cityscapes-transfer", {"seen_miou", "unseen_miou", "hiou"}),
        ("ade847", "a-847", set()),
        ("voc20b", "pas-20b", set()),
    ],
)
def test_protocols(tmp_path: Path, layout: str, protocol: str, groups: set[str]) -> None:
    make(layout, tmp_path / "set")
    task = task_of(tmp_path / "set", layout, protocol)
    result = score(task, Constant(task), tmp_path / "out")
    assert {key for key in result if key in ("seen_miou", "unseen_miou", "hiou")} == groups
    assert result["protocol"] == protocol
    assert [row["id"] for row in result["per_class"]] == list(task.rules.counted)
    counted = sum(row["pixels"] for row in result["per_class"])
    first = result["per_class"][0]
    assert first["predicted"] == counted
    assert first["accuracy"] == (1.0 if first["pixels"] else None)


def test_another_wording_changes_words_only(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", (3,))
    task = task_of(root)
    before = score(task, Noisy(task.dataset), tmp_path / "before")
    assert tuple(before["words"]) == WORDS
    reworded = Task(task.dataset, type(task.words).parse("heaven, street, human | man, plant"), task.rules)
    after = score(reworded, Noisy(task.dataset), tmp_path / "after")
    assert after["words"] == ["heaven", "street", "human | man", "plant"]
    assert [row["name"] for row in after["per_class"]] == ["heaven", "street", "human", "plant"]
    assert after["miou"] == before["miou"]
