"""Small noisy videos for comparisons of methods on two cores: what they show, and how they are rendered.

Words are compositions of 4 colours, 3 textures and 5 shapes: 60, of which 13 are kept unseen. Training videos
show seen compositions only; videos to validate and to test show both. Noise and blur differ from frame to
frame and patches hide parts, so that a single frame is ambiguous where its neighbours are not.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from openvss.data.protocol import Protocol
from openvss.data.synthetic.casts import OBJECTS_A_SCENE, Cast, CastPart, from_parts
from openvss.data.synthetic.compositions import Composition, compositions, unseen
from openvss.data.synthetic.disturbance import Disturbance
from openvss.data.synthetic.files import write_ids, write_image, write_lines
from openvss.data.synthetic.job import Job, RenderOptions

COLOURS = ("red", "yellow", "green", "blue")
TEXTURES = ("plain", "striped", "dotted")
SHAPES = ("disc", "square", "triangle", "ground", "sky")
LOOKS = tuple(
    c for c in compositions() if c.colour in COLOURS and c.texture in TEXTURES and c.shape in SHAPES
)
UNSEEN = tuple(look for look in LOOKS if look in set(unseen()))
SEEN = tuple(look for look in LOOKS if look not in UNSEEN)
SIZE = (64, 48)
# Unseen compositions are few: shown this many times as often, they make up nearly half of a test video.
OFTEN = 3


@dataclass(frozen=True)
class ToyVideos:
    """How many videos are made, and what is wrong with their frames.

    Attributes:
        train: Number of videos to train on.
        val: Number of videos to find settings with, of each set.
        test: Number of videos to compare methods on, of each set.
        frames: In each video.
        size: Width and height.
        objects: In a scene.
        noise: Standard deviation on values of 0..1.
        blur: Largest radius, as a share of the short side.
        occlusion: Probability that a patch hides a fifth of a frame.
    """

    train: int = 48
    val: int = 12
    test: int = 24
    frames: int = 24
    size: tuple[int, int] = SIZE
    objects: int = OBJECTS_A_SCENE
    noise: float = 0.25
    blur: float = 0.08
    occlusion: float = 0.5


def make_videos(root: Path, seed: int, videos: ToyVideos) -> None:
    """Write two `folder:` sets, unless they are there already.

    `seen` shows and knows seen compositions only; its splits are train, val and test. `all` knows all words,
    and in the videos of its splits val and test seen and unseen compositions are mixed.
    """
    if (root / "complete").exists():
        return
    make_seen_videos(root / "seen", seed, videos, SEEN)
    both, splits = (*SEEN, *UNSEEN * OFTEN), {"val": videos.val, "test": videos.test}
    _write_set(Job(root / "all", seed, _options(videos)), LOOKS, both, splits, videos.objects)
    (root / "complete").touch()


def make_seen_videos(root: Path, seed: int, videos: ToyVideos, looks: Sequence[Composition]) -> None:
    """Write a `folder:` set that shows and knows some of the seen compositions."""
    splits = {"train": videos.train, "val": videos.val, "test": videos.test}
    _write_set(Job(root, seed, _options(videos)), looks, looks, splits, videos.objects)


def cast_of(looks: Sequence[Composition], words: Sequence[Composition], seed: str) -> Cast:
    """Compositions in random order, shown one after the other; their ids are places among `words`."""
    parts = [CastPart(words.index(look), look) for look in looks]
    random.Random(f"toy cast {seed}").shuffle(parts)
    return from_parts(parts)


def protocol() -> Protocol:
    """Generalised: all words are candidates and all pixels count; seen and unseen ones apart."""
    groups = {name: tuple(map(LOOKS.index, looks)) for name, looks in (("seen", SEEN), ("unseen", UNSEEN))}
    everything = tuple(range(len(LOOKS)))
    about = "Generalised: all 60 words are candidates and all pixels count; seen and unseen ones apart."
    return Protocol("toy-47-13", about, len(LOOKS), candidates=everything, counted=everything, groups=groups)


def _options(videos: ToyVideos) -> RenderOptions:
    disturbance = Disturbance(videos.noise, videos.blur, videos.occlusion)
    return RenderOptions(frames=videos.frames, size=videos.size, disturbance=disturbance)


def _write_set(
    job: Job,
    words: Sequence[Composition],
    looks: Sequence[Composition],
    splits: Mapping[str, int],
    objects: int,
) -> None:
    write_lines(job.root / "classes.txt", [f"{number} {look.word}" for number, look in enumerate(words)])
    # The seed of a set and the number of a scene decide a scene: sets of one seed must not share numbers.
    number = 10_000 if words == LOOKS else 0
    for split, count in splits.items():
        cast = replace(cast_of(looks, words, f"{split} {job.seed}"), at_once=objects)
        names = [f"{split}_{i:03}" for i in range(count)]
        write_lines(job.root / f"{split}.txt", names)
        for name in names:
            for t, (pixels, ids) in enumerate(job.video(cast, number, job.options.frames)):
                # PNG: JPEG would take the noise away again.
                write_image(job.root / "data" / name / "origin" / f"{t:05}.png", pixels)
                write_ids(job.root / "data" / name / "mask" / f"{t:05}.png", ids)
            number += 1
