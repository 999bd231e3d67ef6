"""PASCAL VOC 2012: 20 classes, as PAS-20 (background ignored) and PAS-20b (background scored).

JPEGImages/*.jpg    ImageSets/Segmentation/{train,val,trainaug}.txt
SegmentationClassAug/*.png or SegmentationClass/*.png    0 background, 1 to 20, 255 ignored
"""

from __future__ import annotations

from pathlib import Path

from openvss.data.labels import IdTable
from openvss.data.layout import ClipSet, first_folder, image_clips, read_lines, require_folder
from openvss.words.vocabulary import Vocabulary

N_OBJECTS = 20
OBJECTS = {raw: raw - 1 for raw in range(1, N_OBJECTS + 1)}
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
