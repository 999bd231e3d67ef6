"""Rounds of pseudo-labels: what they hold, and that they can be cut off anywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from openvss.errors import InputError
from openvss.models.stseg.presets import SEDOptions
from openvss.models.stseg.sed import SED
from openvss.training.targets.teacher import Teacher, UnlabelledPicture, fingerprint
from openvss.video.formats.masks import read_mask
from openvss.words.vocabulary import Vocabulary
from tests.models.stseg.stand_in import StandInPair
from tests.models.two_frame import TwoFrame
from tests.training.targets.coloured import Colours, label


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


def test_teacher_sees_a_picture_as_a_video_of_one_frame() -> None:
    torch.manual_seed(0)
    model = TwoFrame()
    torch.nn.init.ones_(model.gate)
    words = model.embed(Vocabulary.parse("red, green"))
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    sight, probabilities = Teacher(model, words, size=32)(pixels)
    assert sight.small.shape == (1, 3, 32, 64)
    torch.testing.assert_close(sight.whole[0], torch.from_numpy(pixels).permute(2, 0, 1) / 255)
    with torch.no_grad():
        logits = model(sight.small[:, None].expand(-1, 3, -1, -1, -1), words, sight.small[:, None]).logits
    torch.testing.assert_close(probabilities, logits[0].softmax(0))


@pytest.mark.parametrize("rivals", [False, True])
def test_teacher_answers_as_it_was_trained(rivals: bool) -> None:
    """With yes or no to each word, or, where words rival for a pixel, with which it is."""
    torch.manual_seed(0)
    options = SEDOptions(templates="plain", square=None, width=32, rivals=rivals)
    model = SED(StandInPair(), options)
    words = model.embed(Vocabulary.parse("red, green"))
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    sight, probabilities = Teacher(model, words, size=64)(pixels)
    with torch.no_grad():
        logits = model(sight.small[:, None], words).logits
    torch.testing.assert_close(probabilities, logits[0].softmax(0) if rivals else logits[0].sigmoid())


def test_fingerprint_changes_with_any_weight() -> None:
    torch.manual_seed(0)
    model = TwoFrame()
    before = fingerprint(model)
    assert before == fingerprint(model)
    with torch.no_grad():
        model.gate[1] += 1e-6
    assert fingerprint(model) != before
