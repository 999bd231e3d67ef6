"""VSPW: 124 classes, every frame of every video labelled at 15 frames per second.

The original release and the 480p one are laid out alike:

    data/<video>/origin/*.jpg    data/<video>/mask/*.png    train.txt  val.txt  test.txt

Raw ids are 1 to 124, kept as classes 0 to 123. 0 is void; 255 is void as well, and so is 254, which is what
tools that subtract one from every pixel make of it.
"""

from __future__ import annotations

from pathlib import Path

from openvss.data.base import Clip
from openvss.data.labels import IdTable
from openvss.data.layout import ClipSet, Layout, frames_in, read_lines, require_folder
from openvss.data.protocol import Protocol
from openvss.data.synthetic.casts import NOTHING, NOTHING_ELSE, official
from openvss.data.synthetic.files import write_ids, write_image, write_lines
from openvss.data.synthetic.job import Job, raw_ids
from openvss.words.vocabulary import Vocabulary

N_CLASSES = 124
VOID = (0, 254, 255)
TABLE = IdTable.of({raw: raw - 1 for raw in range(1, N_CLASSES + 1)}, N_CLASSES, VOID)


def read(root: Path, split: str) -> ClipSet:
    """The videos named in `<split>.txt`; without a mask folder, as in the test split, they have no labels."""
    data = require_folder(root / "data", "give the folder of VSPW that holds data/ and val.txt")
    videos = read_lines(root / f"{split}.txt", "give the folder of VSPW, with its lists of videos")
    clips = tuple(_clip(data / video) for video in videos)
    return ClipSet("vspw", root, split, Vocabulary.parse("vspw"), TABLE, clips)


def _clip(folder: Path) -> Clip:
    require_folder(folder / "origin", "get a complete copy of VSPW")
    frames = tuple(frames_in(folder / "origin"))
    masks = folder / "mask"
    labelled = masks.is_dir()
    return Clip(folder.name, frames, tuple(masks / f"{f.stem}.png" if labelled else None for f in frames))


def _protocols() -> tuple[Protocol, ...]:
    """The open-vocabulary split of the OV2VSS paper: the first 80 classes are seen in training, 44 are not.

    Raw ids 1 to 80 of VSPW's masks are classes 0 to 79, seen; raw 81 to 124 are classes 80 to 123, unseen. In
    the authors' code the split is off by one: it looks up raw ids in a table of classes before it subtracts
    one, so that raw 80 ("bag") is never trained and raw 124 ("train") never scored. It also scores a class
    "background" that no pixel has. We do neither, so numbers made with that code are not exactly comparable.
    """
    seen, unseen = tuple(range(80)), tuple(range(80, 124))
    return (
        Protocol(
            "vspw-80-44",
            "Generalised: all 124 words are candidates and all pixels count; seen and unseen classes apart.",
            n_words=124,
            candidates=seen + unseen,
            counted=seen + unseen,
            groups={"seen": seen, "unseen": unseen},
        ),
        Protocol(
            "vspw-80-44-unseen",
            "The OV2VSS paper's: only the 44 unseen words are candidates and only their pixels count.",
            n_words=124,
            candidates=unseen,
            counted=unseen,
            groups={"unseen": unseen},
        ),
        Protocol(
            "vspw-80-44-seen",
            "Only the 80 seen words are candidates and only their pixels count; also for training.",
            n_words=124,
            candidates=seen,
            counted=seen,
            groups={"seen": seen},
        ),
    )


def write(job: Job) -> None:
    """`data/<video>/{origin,mask}` with raw ids 1..124, 0 and 255 void; the test split has no masks."""
    regions = ("sky", "wall", "building", "curtain", "road", "grass", "floor")
    # On both sides of the line between raw ids 1..80, which protocols call seen, and the others.
    objects = ("person", "car", "bag", "tree", "trash can", "train", "dog", "bench")
    cast = official("vspw", (*regions, *objects), NOTHING, NOTHING_ELSE)
    raw = raw_ids(range(1, 125), void=0, also_void=255)
    for split_number, split in enumerate(("train", "val", "test")):
        videos = [f"{split_number}{i:03}_made" for i in range(job.options.videos)]
        write_lines(job.root / f"{split}.txt", videos)
        for i, video in enumerate(videos):
            number = split_number * job.options.videos + i
            for t, (pixels, ids) in enumerate(job.video(cast, number, job.options.frames)):
                write_image(job.root / "data" / video / "origin" / f"{t:08}.jpg", pixels)
                if split != "test":
                    write_ids(job.root / "data" / video / "mask" / f"{t:08}.png", raw[ids])


LAYOUT = Layout(
    read,
    splits=("val", "train", "test"),
    protocols=_protocols(),
    write=write,
)
