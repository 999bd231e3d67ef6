"""Rounds of pseudo-labels: what they hold, and that they can be cut off anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torch import Tensor

from openvss.errors import InputError
from openvss.models.stseg.gate import Gate
from openvss.models.stseg.presets import SEDOptions
from openvss.models.stseg.pseudo import Refinement
from openvss.models.stseg.sed import SED
from openvss.training.targets.labelling import Round, UnlabelledPicture
from openvss.training.targets.report import summary, write_report
from openvss.training.targets.teacher import Teacher, fingerprint
from openvss.video.formats.masks import read_mask
from openvss.words.vocabulary import Vocabulary
from tests.models.stseg.stand_in import StandInPair
from tests.models.two_frame import TwoFrame

NAMES = ("red", "green", "blue")


class Colours:
    """Is sure of a word where its colour is strong; breaks down on demand."""

    def __init__(self, breaks_at: int = 99) -> None:
        self.calls = 0
        self.breaks_at = breaks_at

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        self.calls += 1
        if self.calls == self.breaks_at:
            raise KeyboardInterrupt
        picture = torch.from_numpy(pixels / 255).permute(2, 0, 1).float()
        return picture[None], picture * 0.96


def wide(picture: Tensor, logits: Tensor) -> Tensor:
    """A prior that takes masks one pixel further."""
    return torch.nn.functional.max_pool2d(logits, (1, 3), stride=1, padding=(0, 1))


@pytest.fixture
def pictures(tmp_path: Path) -> list[UnlabelledPicture]:
    found = []
    for i in range(4):
        pixels = np.zeros((6, 8, 3), np.uint8)
        pixels[:, :4, i % 3] = 255
        path = tmp_path / f"{i}.png"
        Image.fromarray(pixels).save(path)
        found.append(UnlabelledPicture(f"picture {i}", path))
    return found


def label(folder: Path, pictures: list[UnlabelledPicture], teacher: Colours, made_with: str = "a") -> Round:
    done = Round(folder, NAMES, {"snapshot": made_with})
    done.label(pictures, teacher, Refinement(Gate(), wide))  # type: ignore[arg-type]
    return done


def test_labels_before_and_after(tmp_path: Path, pictures: list[UnlabelledPicture]) -> None:
    done = label(tmp_path / "round", pictures, Colours())
    after, before = (read_mask(done.folder / part / "picture 1.png") for part in ("labels", "before"))
    assert (after[:, :5] == 1).all()
    assert (after[:, 5:] == 255).all()
    assert (before[:, :4] == 1).all()
    assert (before[:, 4:] == 255).all()
    line = done.lines["picture 1"]
    assert line["words"] == [1]
    assert line["confidence"] == [0.96]
    assert line["labelled"] == pytest.approx(5 / 8)


@pytest.mark.parametrize("breaks_at", [1, 3])
def test_a_round_that_was_cut_off_goes_on(
    tmp_path: Path, pictures: list[UnlabelledPicture], breaks_at: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        label(tmp_path / "cut", pictures, Colours(breaks_at))
    with (tmp_path / "cut" / "words.jsonl").open("a") as journal:
        journal.write('{"name": "half')
    teacher = Colours()
    label(tmp_path / "cut", pictures, teacher)
    assert teacher.calls == 4 - (breaks_at - 1)
    label(tmp_path / "whole", pictures, Colours())
    for file in sorted(path for path in (tmp_path / "whole").rglob("*") if path.is_file()):
        assert file.read_bytes() == (tmp_path / "cut" / file.relative_to(tmp_path / "whole")).read_bytes()


def test_a_damaged_mask_is_made_again(tmp_path: Path, pictures: list[UnlabelledPicture]) -> None:
    done = label(tmp_path, pictures, Colours())
    done.label_file("picture 2").write_bytes(b"\x89PNG")
    teacher = Colours()
    label(tmp_path, pictures, teacher)
    assert teacher.calls == 1


def test_labels_of_another_snapshot_are_not_continued(
    tmp_path: Path, pictures: list[UnlabelledPicture]
) -> None:
    label(tmp_path, pictures[:2], Colours())
    with pytest.raises(InputError, match="made with another model"):
        label(tmp_path, pictures, Colours(), made_with="b")


def test_report(tmp_path: Path, pictures: list[UnlabelledPicture]) -> None:
    done = label(tmp_path, pictures, Colours())
    numbers = write_report(done, pictures)
    assert numbers == json.loads((tmp_path / "report.json").read_text())
    assert numbers["pictures_of_word"] == {"red": 2, "green": 1, "blue": 1}
    assert numbers["labelled_pixels"] == pytest.approx(5 / 8)
    assert numbers["changed_pixels"] == pytest.approx(1 / 8)
    with Image.open(tmp_path / "before_after.png") as sheet:
        assert sheet.size[0] > 3 * 400


def test_summary_counts_what_never_passed() -> None:
    nothing = {"words": [], "drifted": [], "labelled": 0.0, "changed": 0.0}
    one = {"words": [0, 2], "drifted": [1, 0], "labelled": 1.0, "changed": 0.5}
    numbers = summary([nothing, one], NAMES)
    assert numbers["pictures_with_words"] == 1
    assert numbers["words_a_picture"] == 1.0
    assert numbers["drifted_masks"] == 0.5
    assert numbers["words_that_never_passed"] == 1


def test_teacher_sees_a_picture_as_a_video_of_one_frame() -> None:
    torch.manual_seed(0)
    model = TwoFrame()
    torch.nn.init.ones_(model.gate)
    words = model.embed(Vocabulary.parse("red, green"))
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    picture, probabilities = Teacher(model, words, size=64)(pixels)
    with torch.no_grad():
        logits = model(picture[:, None].expand(-1, 3, -1, -1, -1), words, picture[:, None]).logits
    torch.testing.assert_close(probabilities, logits[0].softmax(0))


@pytest.mark.parametrize("rivals", [False, True])
def test_teacher_answers_as_it_was_trained(rivals: bool) -> None:
    """With yes or no to each word, or, where words rival for a pixel, with which it is."""
    torch.manual_seed(0)
    options = SEDOptions(templates="plain", square=None, width=32, rivals=rivals)
    model = SED(StandInPair(), options)
    words = model.embed(Vocabulary.parse("red, green"))
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    picture, probabilities = Teacher(model, words, size=64)(pixels)
    with torch.no_grad():
        logits = model(picture[:, None], words).logits
    torch.testing.assert_close(probabilities, logits[0].softmax(0) if rivals else logits[0].sigmoid())


def test_fingerprint_changes_with_any_weight() -> None:
    torch.manual_seed(0)
    model = TwoFrame()
    before = fingerprint(model)
    assert before == fingerprint(model)
    with torch.no_grad():
        model.gate[1] += 1e-6
    assert fingerprint(model) != before
