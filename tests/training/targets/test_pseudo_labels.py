"""Pseudo-labels as targets of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from openvss.data.catalogue import open_dataset
from openvss.errors import InputError
from openvss.models.encoders.sam import Sam
from openvss.models.stseg.presets import SEDOptions
from openvss.models.stseg.sed import SED
from openvss.training.targets.maker import TargetRequest
from openvss.training.targets.pseudo_labels import pseudo_labels
from openvss.video.formats.masks import read_mask
from tests.models.stseg.stand_in import StandInPair

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
    dataset = open_dataset(f"folder:{root}", labelled=False)
    told: list[int] = []
    pseudo_labels(
        TargetRequest(model().eval(), dataset, dataset.vocabulary, folder, EASY | options, told.append)
    )
    return told


def test_every_frame_gets_a_label_of_its_size(root: Path, tmp_path: Path) -> None:
    told = make(root, tmp_path / "made", prior="none", size=32)
    assert told == [0, 1, 2]
    for frame in ("00", "01"):
        mask = read_mask(tmp_path / "made" / "labels" / "film" / f"{frame}.png")
        assert mask.shape == (40, 64)
        assert set(np.unique(mask)) <= {0, 1, 255}
    assert (tmp_path / "made" / "report.json").is_file()
    assert (tmp_path / "made" / "before_after.png").is_file()


def test_pictures_are_named_by_themselves(tmp_path: Path) -> None:
    root = write(tmp_path / "set", "images/a", "images/b")
    make(root, tmp_path / "made", prior="superpixels", superpixels=20)
    assert read_mask(tmp_path / "made" / "labels" / "b.png").shape == (40, 64)


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
