"""Pseudo-labels as targets of a run."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from openvss.data.catalogue import open_dataset
from openvss.errors import InputError
from openvss.models.encoders.sam import Sam
from openvss.models.preset import Preset
from openvss.models.registry import PRESETS
from openvss.models.stseg.presets import SEDOptions
from openvss.models.stseg.pseudo import Sight
from openvss.models.stseg.sed import SED
from openvss.training.targets import teacher
from openvss.training.targets.maker import TargetRequest
from openvss.training.targets.pseudo_labels import edge_prior, pseudo_labels, report
from openvss.video.formats.masks import read_mask
from openvss.video.images import read_image
from openvss.video.pixels import Pixels
from tests.models.stseg.stand_in import StandInPair
from tests.models.two_frame import TwoFrame
from tests.training.drive import TwoFrameOptions
from tests.training.processes import train_here, train_together
from tests.training.small import recipe
from tests.training.small import write as write_recipe

EASY = {"threshold": 0.0, "smallest": 0.0}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A video of two frames without labels."""
    return write(tmp_path / "set", "data/film/origin/00", "data/film/origin/01")


def write(root: Path, *pictures: str) -> Path:
    rng = np.random.default_rng(0)
    for place in pictures:
        file = root / place
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 64, 3), dtype=np.uint8)).save(f"{file}.png")
    (root / "classes.txt").write_text("0 sky\n1 road | street\n")
    return root


def model() -> SED:
    torch.manual_seed(0)
    return SED(StandInPair(), SEDOptions(templates="plain", square=None, width=32))


def make(root: Path, folder: Path, **options: object) -> list[int]:
    told: list[int] = []
    one = request(root, folder, told, **options)
    pseudo_labels(one)
    report(one)
    return told


def request(root: Path, folder: Path, told: list[int], **options: object) -> TargetRequest:
    dataset = open_dataset(f"folder:{root}", labelled=False)
    return TargetRequest(model().eval(), dataset, dataset.vocabulary, folder, EASY | options, told.append)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_every_frame_gets_a_label_of_its_size(root: Path, tmp_path: Path) -> None:
    told = make(root, tmp_path / "made", prior="none", size=32)
    assert told == [0, 1, 2]
    for frame in ("00", "01"):
        mask = read_mask(tmp_path / "made" / "labels" / "film" / f"{frame}.png")
        assert mask.shape == (40, 64)
        assert set(np.unique(mask)) <= {0, 1, 255}
    assert (tmp_path / "made" / "report.json").is_file()
    assert (tmp_path / "made" / "before_after.png").is_file()


def test_masks_are_read_along_the_edges_of_the_picture() -> None:
    """A disc, and the logits of its four quarters' cells: what is read has the disc's outline."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    disc = ((y - 31.5) ** 2 + (x - 31.5) ** 2) < 400
    picture = torch.where(disc, 0.9, 0.1).expand(1, 3, 64, 64)
    logits = torch.nn.functional.adaptive_avg_pool2d(torch.where(disc, 4.0, -4.0)[None], 8)
    read = edge_prior(Sight(picture, picture), logits)
    assert read.shape == (1, 32, 32)
    wanted = disc[::2, ::2] & disc[1::2, 1::2]
    plain = torch.nn.functional.interpolate(logits[None], (32, 32), mode="bilinear")[0]
    wrong = ((read > 0) != wanted).sum(), ((plain > 0) != wanted).sum()
    assert wrong[0] < 0.5 * wrong[1], wrong


def test_pictures_are_named_by_themselves(tmp_path: Path) -> None:
    root = write(tmp_path / "set", "images/a", "images/b")
    for prior in ({"prior": "superpixels", "superpixels": 20}, {"prior": "edges"}):
        folder = tmp_path / str(prior["prior"])
        make(root, folder, **prior)
        assert read_mask(folder / "labels" / "b.png").shape == (40, 64)


def test_sam_needs_weights_that_are_there(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "sam.safetensors"
    torch.manual_seed(1)
    save_file({name: value.clone() for name, value in Sam("nano").state_dict().items()}, file)
    make(root, tmp_path / "made", sam="nano", sam_weights=str(file))
    with pytest.raises(InputError, match=r"gone\.safetensors"):
        make(root, tmp_path / "again", sam="nano", sam_weights=str(tmp_path / "gone.safetensors"))


def test_options_that_are_wrong_are_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"targets\.options\.treshold of the recipe"):
        make(root, tmp_path / "made", treshold=0.5)
    with pytest.raises(InputError, match=r"targets\.options\.prior of the recipe"):
        make(root, tmp_path / "made", prior="dam")


class Normed(TwoFrame):
    """With statistics that each process takes from its own clips."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(self.stem, nn.BatchNorm2d(16))  # type: ignore[assignment]


def test_two_processes_make_what_one_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def note(path: Path) -> Pixels:
        assert threading.current_thread() is not threading.main_thread()  # while the model is at work
        (tmp_path / f"{path.stem} by {os.environ.get('RANK')}").touch()
        return read_image(path)

    monkeypatch.setattr(teacher, "read_image", note)
    monkeypatch.setitem(PRESETS, "normed", Preset("", "letters", TwoFrameOptions(), lambda options: Normed()))
    root = write(tmp_path / "set", *(f"images/{name}" for name in "abcde"))
    settings = recipe(
        root,
        model={"preset": "normed"},
        data={"train": [{"set": f"folder:{root}", "labels": "made"}], "batch": 2},
        targets={"maker": "pseudo-labels", "every": 2, "options": EASY | {"prior": "none", "size": 32}},
    )
    assert train_together(write_recipe(tmp_path / "pair.yaml", settings), tmp_path / "pair", 2) == [0, 0]
    assert {p.name for p in tmp_path.glob("* by *")} == {"a by 0", "b by 1", "c by 0", "d by 1", "e by 0"}
    train_here(write_recipe(tmp_path / "alone.yaml", settings), tmp_path / "alone")
    pair, alone = (tmp_path / name / "targets" for name in ("pair", "alone"))
    assert files_of(pair / "000") == files_of(alone / "000")
    assert files_of(pair).keys() == files_of(alone).keys()
    assert {f"001/0/labels/{name}.png" for name in "abcde"} < files_of(pair).keys()


def test_a_share_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    root = write(tmp_path / "set", *(f"images/{name}" for name in "abcde"))
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    make(root, whole, prior="none")

    def breaks(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    one = replace(request(root, cut, [], prior="none"), share=(1, 2))
    with pytest.raises(KeyboardInterrupt):
        pseudo_labels(replace(one, update=breaks))
    assert (cut / "words.1.jsonl").read_text().count("\n") == 1
    told: list[int] = []
    pseudo_labels(replace(one, update=told.append))
    assert told == [2, 5]  # the first of its two was finished
    main = replace(one, share=(0, 2))
    pseudo_labels(main)
    for _ in range(2):  # the main process may be killed before the round is noted as done
        report(main)
        assert files_of(cut) == files_of(whole)
