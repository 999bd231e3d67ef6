"""The layouts of `folder:`, whose classes are words that compose.

Their splits tell what a model has learnt: "train" and "val" show seen compositions, "test" only unseen ones.
"""

from __future__ import annotations

from dataclasses import replace

from openvss.data.synthetic.casts import Cast, from_parts, of_compositions
from openvss.data.synthetic.compositions import compositions, seen, unseen
from openvss.data.synthetic.files import write_ids, write_image, write_lines, write_palette
from openvss.data.synthetic.job import Job

IDS = {look: number for number, look in enumerate(compositions())}


def write_videos(job: Job) -> None:
    """`data/<video>/{origin,mask}` with all compositions in `classes.txt`."""
    _write_classes(job)
    for split, cast in _casts(job).items():
        videos = [f"{split}_{i:03}" for i in range(job.options.videos)]
        write_lines(job.root / f"{split}.txt", videos)
        for i, video in enumerate(videos):
            number = i + (job.options.videos if split == "val" else 0)
            for t, (pixels, ids) in enumerate(job.video(cast, number, job.options.frames)):
                write_image(job.root / "data" / video / "origin" / f"{t:05}.jpg", pixels)
                write_ids(job.root / "data" / video / "mask" / f"{t:05}.png", ids)


def write_images(job: Job) -> None:
    """`images/` and `labels/` with all compositions in `classes.txt`."""
    _write_classes(job)
    for split, cast in _casts(job).items():
        names = [f"{split}_{i:03}" for i in range(job.options.images)]
        write_lines(job.root / f"{split}.txt", names)
        for i, name in enumerate(names):
            number = i + (job.options.images if split == "val" else 0)
            pixels, ids = job.image(cast, number)
            write_image(job.root / "images" / f"{name}.jpg", pixels)
            write_ids(job.root / "labels" / f"{name}.png", ids)


def write_objects(job: Job) -> None:
    """Videos with one named object each and `sequences.txt`; in every second, two things are the object."""
    everything = of_compositions(compositions(), IDS, job.seed)
    raw_of = {"background": 0}
    sequences = []
    for number in range(2 * job.options.videos):
        sky, ground, objects = everything.scene(number)
        named = objects[-1 - number % 2 :]  # the foremost, which nothing hides
        name = "+".join(part.look.word for part in named)
        raw = raw_of.setdefault(name, len(raw_of))
        video = f"object_{number:03}"
        sequences.append(f"{video} {raw} {name}")
        ids = {part: raw if part in named else 0 for part in (sky, ground, *objects)}
        cast = from_parts([replace(part, id=of_object) for part, of_object in ids.items()])
        for t, (pixels, labels) in enumerate(job.video(cast, number, job.options.frames)):
            write_image(job.root / "data" / video / "origin" / f"{t:05}.jpg", pixels)
            write_palette(job.root / "data" / video / "mask" / f"{t:05}.png", labels)
    write_lines(job.root / "classes.txt", [f"{raw} {name}" for name, raw in raw_of.items()])
    write_lines(job.root / "sequences.txt", sequences)


def _casts(job: Job) -> dict[str, Cast]:
    known = of_compositions(seen(), IDS, job.seed)
    return {"train": known, "val": known, "test": of_compositions(unseen(), IDS, job.seed)}


def _write_classes(job: Job) -> None:
    write_lines(job.root / "classes.txt", [f"{number} {look.word}" for look, number in IDS.items()])
