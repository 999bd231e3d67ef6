"""PASCAL VOC 2012: 20 classes, as PAS-20 (background ignored) and PAS-20b (background scored).

JPEGImages/*.jpg    ImageSets/Segmentation/{train,val,trainaug}.txt
SegmentationClassAug/*.png or SegmentationClass/*.png    0 background, 1 to 20, 255 ignored
"""

from __future__ import annotations

from pathlib import Path

from openvss.data.labels import IdTable
from openvss.data.layout import ClipSet, Layout, first_folder, image_clips, read_lines, require_folder
from openvss.data.protocol import Protocol, plain
from openvss.data.synthetic.casts import ALSO_VOID, NOTHING, official
from openvss.data.synthetic.files import write_ids, write_image, write_lines, write_palette
from openvss.data.synthetic.job import Job, raw_ids
from openvss.words.vocabulary import Vocabulary

N_OBJECTS = 20
OBJECTS = {raw: raw - 1 for raw in range(1, N_OBJECTS + 1)}
SPLITS = ("val", "train", "trainval", "trainaug")
HINT = "give the folder VOCdevkit/VOC2012"


def read_20(root: Path, split: str) -> ClipSet:
    """PAS-20: the words are the 20 classes, and background pixels do not count."""
    table = IdTable.of(OBJECTS, N_OBJECTS, (0, 255))
    return _read("voc20", root, split, Vocabulary.parse("voc20"), table)


def read_20b(root: Path, split: str) -> ClipSet:
    """PAS-20b: background pixels are class 20, for which any word from 20 on is right.

    The words are the 20 classes, then the 39 of PASCAL-Context 59 that are none of them. They all stand for
    background: labels only ever hold 0 to 20, and scoring counts a prediction above 20 as 20.
    """
    table = IdTable.of({**OBJECTS, 0: N_OBJECTS}, N_OBJECTS + 1, (255,))
    return _read("voc20b", root, split, words_20b(), table)


def words_20b() -> Vocabulary:
    """The 59 words of PAS-20b."""
    objects = Vocabulary.parse("voc20")
    others = [label for label in Vocabulary.parse("pc59") if label.name not in objects.names]
    return Vocabulary((*objects, *others))


def _read(name: str, root: Path, split: str, vocabulary: Vocabulary, table: IdTable) -> ClipSet:
    images = require_folder(root / "JPEGImages", HINT)
    labels = first_folder((root / "SegmentationClassAug", root / "SegmentationClass"), HINT)
    stems = read_lines(root / "ImageSets" / "Segmentation" / f"{split}.txt", HINT)
    clips = image_clips((images / f"{stem}.jpg" for stem in stems), labels, ".png")
    return ClipSet(name, root, split, vocabulary, table, clips)


def write(job: Job) -> None:
    """PASCAL VOC 2012: palette labels, the same in grey, 0 for background and 255 for void."""
    animals = ("person", "dog", "cat", "bird", "horse", "cow", "sheep")
    things = ("car", "bottle", "train", "boat", "bicycle", "motorbike", "aeroplane")
    cast = official("voc20", (*animals, *things), NOTHING, background=ALSO_VOID)
    raw = raw_ids(range(1, 21), void=255, also_void=0)
    names: dict[str, list[str]] = {"train": [], "val": []}
    for split, i, pixels, ids in job.images(cast, tuple(names)):
        name = f"{2007 if split == 'train' else 2011}_{i + 1:06}"
        names[split].append(name)
        write_image(job.root / "JPEGImages" / f"{name}.jpg", pixels)
        write_palette(job.root / "SegmentationClass" / f"{name}.png", raw[ids])
        write_ids(job.root / "SegmentationClassAug" / f"{name}.png", raw[ids])
    lists = {**names, "trainaug": names["train"], "trainval": [*names["train"], *names["val"]]}
    for split, of_split in lists.items():
        write_lines(job.root / "ImageSets" / "Segmentation" / f"{split}.txt", of_split)


PAS_20B = Protocol(
    "pas-20b",
    "20 words and 39 of background are candidates; each of the 39 means class 20, background.",
    n_words=59,
    candidates=tuple(range(59)),
    counted=tuple(range(21)),
    background=20,
)
VOC20 = Layout(read_20, SPLITS, protocols=(plain("pas-20", 20),), protocol="pas-20", write=write)
VOC20B = Layout(read_20b, SPLITS, protocols=(PAS_20B,), protocol="pas-20b", write=write)
