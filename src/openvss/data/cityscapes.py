"""Cityscapes: 19 classes, the 20th frame of every snippet labelled, 17 frames per second.

leftImg8bit/<split>/<city>/<city>_<sequence>_<frame>_leftImg8bit.png
leftImg8bit_sequence/<split>/<city>/...      optional: the 19 frames before the labelled one, and more
gtFine/<split>/<city>/<city>_<sequence>_<frame>_gtFine_labelIds.png
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from openvss.data.base import Clip
from openvss.data.labels import IdTable
from openvss.data.layout import ClipSet, Layout, require_folder
from openvss.data.protocol import Protocol
from openvss.data.synthetic.casts import NOTHING, NOTHING_ELSE, official
from openvss.data.synthetic.files import write_ids, write_image
from openvss.data.synthetic.job import Job, raw_ids
from openvss.words.vocabulary import Vocabulary

FRAME = "_leftImg8bit"
LABEL = "_gtFine_labelIds"
RATE = Fraction(17)
BEFORE = 19  # frames of a snippet that precede the labelled one
# The evaluated among the 34 label ids, in order of train id; the license plate's -1 is 255 in a file.
EVALUATED = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
TABLE = IdTable.of({raw: train for train, raw in enumerate(EVALUATED)}, len(EVALUATED), (*range(34), 255))


def read(root: Path, split: str) -> ClipSet:
    """A clip for every labelled frame, which is its last; the frames before it where they are on disk."""
    hint = "give the folder of Cityscapes that holds leftImg8bit/ and gtFine/"
    images = require_folder(root / "leftImg8bit" / split, hint)
    labels = require_folder(root / "gtFine" / split, hint)
    sequences = root / "leftImg8bit_sequence" / split
    clips: list[Clip] = []
    for city in sorted(path for path in images.iterdir() if path.is_dir()):
        nearby = sequences / city.name
        known = {path.name for path in nearby.iterdir()} if nearby.is_dir() else set()
        clips.extend(
            _clip(frame, nearby, known, labels / city.name) for frame in sorted(city.glob(f"*{FRAME}.png"))
        )
    vocabulary = Vocabulary.parse("cityscapes")
    return ClipSet("cityscapes", root, split, vocabulary, TABLE, tuple(clips), FRAME, LABEL)


def _clip(frame: Path, nearby: Path, known: set[str], labels: Path) -> Clip:
    name = frame.stem.removesuffix(FRAME)
    sequence, _, number = name.rpartition("_")
    before: list[Path] = []
    if frame.name in known and number.isdecimal():
        for step in range(1, BEFORE + 1):
            earlier = f"{sequence}_{int(number) - step:0{len(number)}}{FRAME}.png"
            if earlier not in known:
                break
            before.insert(0, nearby / earlier)
    frames = (*before, frame)
    label = labels / f"{name}{LABEL}.png"
    return Clip(f"{labels.name}/{name}", frames, (*(None for _ in before), label), RATE)


def _transfer() -> Protocol:
    """Transfer from VSPW's seen classes, with the eight that the OV2VSS paper calls novel as the unseen ones.

    Sidewalk, fence, traffic light, traffic sign, vegetation, terrain, rider and train: the authors' own
    wording of them is absent from VSPW's seen list. In our wording traffic light and fence are seen, and by
    meaning so are others (trees and grass), so that they are new words rather than new things.
    """
    novel = (1, 4, 6, 7, 8, 9, 12, 16)
    everything = tuple(range(19))
    return Protocol(
        "cityscapes-transfer",
        "All 19 words are candidates and all pixels count; unseen are the 8 that the OV2VSS paper calls "
        "novel, because the authors' own wording of them is absent from VSPW's seen list; traffic light and "
        "fence are seen in our wording.",
        n_words=19,
        candidates=everything,
        counted=everything,
        groups={"seen": tuple(sorted({*everything} - {*novel})), "unseen": novel},
    )


def write(job: Job) -> None:
    """`leftImg8bit`, `gtFine` label ids of the last frame but one, and `leftImg8bit_sequence` around it."""
    words = ("sky", "building", "vegetation", "road", "sidewalk", "terrain", "car", "person", "train", "bus")
    more = ("rider", "traffic sign", "bicycle", "traffic light", "pole", "fence")
    cast = official("cityscapes", (*words, *more), NOTHING, NOTHING_ELSE)
    raw = raw_ids(EVALUATED, void=4, also_void=0)
    n_frames = job.options.frames
    # The real cities count frames from 0 in every sequence, or through the whole drive.
    for split_number, (split, city, first) in enumerate((("train", "aachen", 0), ("val", "frankfurt", 275))):
        for i in range(job.options.videos):
            video = job.video(cast, split_number * job.options.videos + i, n_frames + 1)
            for t, (pixels, ids) in enumerate(video):
                name = f"{city}_{i:06}_{first + t:06}"
                place = f"{split}/{city}/{name}_leftImg8bit.png"
                write_image(job.root / "leftImg8bit_sequence" / place, pixels)
                if t == n_frames - 1:
                    write_image(job.root / "leftImg8bit" / place, pixels)
                    labels = job.root / "gtFine" / split / city / f"{name}_gtFine_labelIds.png"
                    write_ids(labels, raw[ids])


LAYOUT = Layout(
    read,
    splits=("val", "train", "test"),
    protocols=(_transfer(),),
    write=write,
)
