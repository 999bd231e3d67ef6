"""Small noisy videos for comparisons of methods on two cores: what they show, and how they are rendered.

Words are compositions of 4 colours, 3 textures and 5 shapes: 60, of which 13 are kept unseen. Training videos
show seen compositions only; videos to validate and to test show both. Noise and blur differ from frame to
frame and patches hide parts, so that a single frame is ambiguous where its neighbours are not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from openvss.data.synthetic.casts import Cast, Part, from_parts
from openvss.data.synthetic.compositions import Composition, compositions, unseen
from openvss.data.synthetic.disturbance import Disturbance
from openvss.data.synthetic.files import write_ids, write_image, write_lines
from openvss.data.synthetic.job import Job, Options
from openvss.evaluation.protocol import Protocol

COLOURS = ("red", "yellow", "green", "blue")
TEXTURES = ("plain", "striped", "dotted")
SHAPES = ("disc", "square", "triangle", "ground", "sky")
LOOKS = tuple(
    c for c in compositions() if c.colour in COLOURS and c.texture in TEXTURES and c.shape in SHAPES
)
UNSEEN = tuple(look for look in LOOKS if look in set(unseen()))
SEEN = tuple(look for look in LOOKS if look not in UNSEEN)
# Unseen compositions are few: shown this many times as often, they make up nearly half of a test video.
OFTEN = 3


@dataclass(frozen=True)
class ToyVideos:
    """A set of videos of each split.

    Attributes:
        train: Number of videos in this split, and likewise `val` and `test`.
        frames: In each video.
        size: Width and height.
        noise: Standard deviation on values of 0..1.
        blur: Largest radius, as a share of the short side.
        occlusion: Probability that a patch hides a fifth of a frame.
    """

    train: int
    val: int
    test: int
    frames: int
    size: tuple[int, int]
    noise: float
    blur: float
    occlusion: float

    @property
    def options(self) -> Options:
        """For the renderer."""
        disturbance = Disturbance(self.noise, self.blur, self.occlusion)
        return Options(frames=self.frames, size=self.size, disturbance=disturbance)


def make(root: Path, seed: int, videos: ToyVideos) -> None:
    """Write a `folder:` set with the splits train, val and test; nothing is done if it is there already."""
    if (root / "complete").exists():
        return
    job = Job(root, seed, videos.options)
    write_lines(root / "classes.txt", [f"{number} {look.word}" for number, look in enumerate(LOOKS)])
    both = (*SEEN, *UNSEEN * OFTEN)
    first = 0
    splits = (("train", SEEN, videos.train), ("val", both, videos.val), ("test", both, videos.test))
    for split, looks, count in splits:
        _write_split(job, split, cast_of(looks, f"{split} {seed}"), range(first, first + count))
        first += count
    (root / "complete").touch()


def cast_of(looks: Sequence[Composition], seed: str) -> Cast:
    """Compositions in random order, to be shown one after the other."""
    parts = [Part(LOOKS.index(look), look) for look in looks]
    random.Random(f"toy cast {seed}").shuffle(parts)
    return from_parts(parts)


def protocol() -> Protocol:
    """Generalised: all words are candidates and all pixels count; seen and unseen ones apart."""
    ids = {name: tuple(map(LOOKS.index, looks)) for name, looks in (("seen", SEEN), ("unseen", UNSEEN))}
    everything = tuple(range(len(LOOKS)))
    about = "Generalised: all 60 words are candidates and all pixels count; seen and unseen ones apart."
    return Protocol("toy-47-13", about, len(LOOKS), candidates=everything, counted=everything, groups=ids)


def _write_split(job: Job, split: str, cast: Cast, numbers: range) -> None:
    names = [f"{split}_{i:03}" for i in range(len(numbers))]
    write_lines(job.root / f"{split}.txt", names)
    for name, number in zip(names, numbers, strict=True):
        for t, (pixels, ids) in enumerate(job.video(cast, number, job.options.frames)):
            # PNG: JPEG would take the noise away again.
            write_image(job.root / "data" / name / "origin" / f"{t:05}.png", pixels)
            write_ids(job.root / "data" / name / "mask" / f"{t:05}.png", ids)
