"""The layouts of videos: VSPW, Cityscapes and CamVid."""

from __future__ import annotations

from openvss.data.cityscapes import EVALUATED
from openvss.data.synthetic.casts import NOTHING, NOTHING_ELSE, official
from openvss.data.synthetic.files import write_ids, write_image, write_lines
from openvss.data.synthetic.job import Job, raw_ids


def write_vspw(job: Job) -> None:
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


def write_cityscapes(job: Job) -> None:
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


def write_camvid(job: Job) -> None:
    """`train`, `trainannot` and so on with ids 0..10, 11 void: frames of a drive, a second apart."""
    words = ("sky", "building", "road", "pavement", "car", "pedestrian", "tree", "bicyclist", "sign symbol")
    cast = official("camvid", (*words, "pole", "fence"), NOTHING)
    raw = raw_ids(range(11), void=11)
    for number, (split, drive) in enumerate((("train", "0001TP"), ("val", "0016E5"), ("test", "Seq05VD"))):
        for t, (pixels, ids) in enumerate(job.video(cast, number, job.options.images)):
            name = f"{drive}_{30 * t:06}.png"
            write_image(job.root / split / name, pixels)
            write_ids(job.root / f"{split}annot" / name, raw[ids])
