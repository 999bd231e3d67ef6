"""Opening data sets by name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from openvss.data.catalogue import LAYOUTS, open_dataset
from openvss.data.check import check
from openvss.data.labels import IdTable
from openvss.data.layout import ClipSet, Conversion, Layout, frames_in, image_clips
from openvss.data.make import layouts, make
from openvss.data.prepare import preparable, prepare
from openvss.data.protocol import Protocol
from openvss.data.synthetic.casts import CastPart, from_parts, look
from openvss.data.synthetic.files import write_ids, write_image
from openvss.data.synthetic.job import Job, RenderOptions
from openvss.errors import InputError
from openvss.evaluation.protocol import default_protocol, find_protocol, protocol_names
from openvss.words.vocabulary import Vocabulary
from tests.data import trees

WORDS = Vocabulary.parse("cat, sky, grass")
TABLE = IdTable.of({0: 0, 1: 1, 2: 2}, 3, (255,))
LOOKS = ("red plain disc", "blue plain sky", "green plain ground")
PARTS = [CastPart(number, look(word)) for number, word in enumerate(LOOKS)]


def vspw(root: Path) -> str:
    trees.video(root, "1_a", [[1], [2], [3]])
    trees.text(root / "val.txt", "1_a")
    return f"vspw:{root}"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "kitti:/data",
            r"There is no data set 'kitti': choose one of vspw, cityscapes, .*, folder, as name:root",
        ),
        ("vspw", r"'vspw' does not say where the data set is: give name:root"),
        ("vspw: ", r"does not say where"),
        ("vspw:/no/such/folder", r"The folder /no/such/folder of vspw does not exist"),
    ],
)
def test_bad_names_and_roots_are_explained(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_dataset(spec)


@pytest.mark.parametrize("name", sorted(set(LAYOUTS) - {"folder"}))
def test_splits_are_listed_and_val_is_the_default(tmp_path: Path, name: str) -> None:
    assert LAYOUTS[name].splits[0] == "val"
    with pytest.raises(InputError, match=rf"^{name} has no split 'dev': choose among val, train"):
        open_dataset(f"{name}:{tmp_path}", "dev")


def test_an_empty_split_is_an_error(tmp_path: Path) -> None:
    trees.text(tmp_path / "val.txt", "")
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError, match="has no images in the split 'val'"):
        open_dataset(f"vspw:{tmp_path}")


def test_missing_masks_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    spec = vspw(tmp_path)
    (tmp_path / "data/1_a/mask/00000001.png").unlink()
    with pytest.raises(InputError, match=r"1_a/mask/00000001\.png is missing: get"):
        open_dataset(spec)
    (tmp_path / "data/1_a/mask/00000002.png").unlink()
    with pytest.raises(InputError, match=r"00000001\.png is missing with 1 more"):
        open_dataset(spec)
    labels = open_dataset(spec, labelled=False).clips[0].labels
    assert [label is None for label in labels] == [False, True, True]


def test_missing_images_and_empty_videos_are_named(tmp_path: Path) -> None:
    spec = vspw(tmp_path)
    (tmp_path / "data/2_b/origin").mkdir(parents=True)
    trees.text(tmp_path / "val.txt", "1_a", "2_b")
    with pytest.raises(InputError, match=r"The video 2_b of .* has no frames"):
        open_dataset(spec)
    trees.text(tmp_path / "val.txt", "1_a", "3_c")
    with pytest.raises(InputError, match=r"3_c/origin does not exist"):
        open_dataset(spec)


def test_no_two_clips_have_one_name(tmp_path: Path) -> None:
    spec = vspw(tmp_path)
    trees.text(tmp_path / "val.txt", "1_a", "1_a")
    with pytest.raises(InputError, match=r"Two images or videos of .* are called 1_a"):
        open_dataset(spec)


def test_data_sets_need_no_torch() -> None:
    code = "import sys, openvss.data.check, openvss.data.prepare; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_data_set_of_somebody_else_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read, made, prepared and scored by its own rules, and in every list of names."""

    def read(root: Path, split: str) -> ClipSet:
        return ClipSet(
            "pets", root, split, WORDS, TABLE, image_clips(frames_in(root / split), root / "labels", ".png")
        )

    def write(job: Job) -> None:
        for split, i, pixels, ids in job.images(from_parts(PARTS), ("val",)):
            write_image(job.root / split / f"{i}.jpg", pixels)
            write_ids(job.root / "raw" / f"{i}.png", ids)

    def conversions(root: Path) -> list[Conversion]:
        raw = sorted((root / "raw").iterdir())
        return [Conversion(root / "labels" / path.name, partial(shutil.copyfile, path)) for path in raw]

    rules = Protocol("only-cats", "Cats alone.", 3, candidates=(0,), counted=(0,))
    pets = Layout(
        read,
        protocols=(rules,),
        protocol="only-cats",
        write=write,
        conversions=conversions,
        prepared=("labels",),
    )
    monkeypatch.setattr(LAYOUTS, "_entries", {**dict(LAYOUTS), "pets": pets})
    assert layouts()[-1] == "pets"
    make("pets", tmp_path / "pets", options=RenderOptions(images=2))
    spec = f"pets:{tmp_path / 'pets'}"
    with pytest.raises(InputError, match=r"0\.png is missing with 1 more: run `openvss data prepare pets"):
        open_dataset(spec)
    assert preparable()[-1] == "pets"
    assert prepare("pets", tmp_path / "pets") == 2
    assert list(check(spec)) == []
    assert len(open_dataset(spec).clips) == 2
    assert find_protocol(default_protocol("pets"), WORDS) is rules
    assert protocol_names()[-1] == "only-cats"
    with pytest.raises(InputError, match=r"There is no data set 'pet': did you mean pets\?"):
        open_dataset("pet:x")
