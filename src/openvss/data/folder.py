"""`folder:ROOT`: a user's own videos or images with labels.

Videos, or images:

    data/<video>/origin/*  data/<video>/mask/*.png        images/*  labels/*.png

A label file has the name of its frame; frames of a video may go without. `classes.txt` has a line `id name`
for each class; bars separate synonyms. The ids may have gaps: classes are numbered 0, 1, ... in order of id.
Pixels of 255 do not count (of 65535 where 255 is a class of its own).

`<split>.txt`, one video or image a line, names a part of the set; without a split, all of it is meant. If
there is no `train.txt`, but `held_out.txt`, split `train` is what that does not name.

Background: in most sets a class called "background" is what nobody labelled. It holds all sorts of things
that have names, so no word can be right or wrong there: its pixels do not count and it is no word. To have it
scored as a class, give it another name in classes.txt, such as "everything else".

A set with one named object a sequence has `sequences.txt`, one line a video: `sequence id name`, or
`sequence name` where classes.txt has that name. In the name, `person+horse` means that either word counts as
the object. There background is all but the object, which a prediction must leave alone, so its pixels count
(as an id of the ground truth; models need not name it); and a class such as `person+horse` is no word of its
own: its words join the vocabulary, and its pixels get the id of the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from openvss.data.base import Clip
from openvss.data.labels import SUFFIXES, IdTable
from openvss.data.layout import ClipSet, Layout, files_in, frames_in, read_lines, require_folder
from openvss.data.synthetic.casts import Cast, from_parts, of_compositions
from openvss.data.synthetic.compositions import compositions, seen, unseen
from openvss.data.synthetic.files import write_ids, write_image, write_lines, write_palette
from openvss.data.synthetic.job import Job
from openvss.errors import InputError
from openvss.words.vocabulary import Vocabulary

ALL = "all"
TRAIN = "train"
HELD_OUT = "held_out.txt"
BACKGROUND = "background"
CLASSES = "classes.txt"
SEQUENCES = "sequences.txt"
LARGEST_ID = 65534
IGNORED = (255, 65535)
COMPOSITION_IDS = {look: number for number, look in enumerate(compositions())}  # of rendered sets


def read(root: Path, split: str) -> ClipSet:
    """The videos or images of a split, or of the whole folder for "all"."""
    classes = _read_classes(root / CLASSES)
    sequences = root / SEQUENCES
    if sequences.is_file():
        vocabulary, ids = _words_of_objects(root / CLASSES, classes)
        objects = _read_sequences(sequences, classes, ids)
    else:
        vocabulary, ids = _words(root / CLASSES, classes)
        objects = None
    table = IdTable.of(ids, len(vocabulary), {*IGNORED, *classes})
    clips = _clips(root, objects)
    if split == TRAIN and not (root / f"{TRAIN}.txt").exists() and (root / HELD_OUT).exists():
        held_out = _part(clips, root / HELD_OUT)
        clips = tuple(clip for clip in clips if clip not in held_out)
    elif split != ALL:
        clips = _part(clips, root / f"{split}.txt")
    uncounted = tuple(name for raw, name in classes.items() if raw not in ids)
    return ClipSet("folder", root, split, vocabulary, table, clips, uncounted=uncounted)


def has_train(root: Path) -> bool:
    """Whether a set of this layout says what to train on."""
    return any((root / name).is_file() for name in (f"{TRAIN}.txt", HELD_OUT))


def _read_classes(path: Path) -> dict[int, str]:
    """Raw id -> name, in order of id."""
    hint = "write a line `id name` for each class into it"
    classes: dict[int, str] = {}
    for line in read_lines(path, hint):
        number, *name = line.split(maxsplit=1)
        if not (number.isascii() and number.isdecimal() and name):
            raise InputError(f"The line {line!r} of {path} is not `id name`: {hint}.")
        if int(number) > LARGEST_ID:
            raise InputError(f"The id {number} in {path} is too large: ids go up to {LARGEST_ID}.")
        if int(number) in classes:
            raise InputError(f"The id {number} is given twice in {path}: give each class its own.")
        classes[int(number)] = name[0]
    if not classes:
        raise InputError(f"The file {path} is empty: {hint}.")
    return dict(sorted(classes.items()))


def _words(path: Path, classes: Mapping[int, str]) -> tuple[Vocabulary, dict[int, int]]:
    """A word for each class but background, and raw id -> word."""
    kept = [raw for raw, name in classes.items() if not _is_background(name)]
    return _parse(path, [classes[raw] for raw in kept]), {raw: place for place, raw in enumerate(kept)}


def _is_background(name: str) -> bool:
    return name.split("|")[0].strip().lower() == BACKGROUND


def _words_of_objects(path: Path, classes: Mapping[int, str]) -> tuple[Vocabulary, dict[int, int]]:
    """The words of classes such as `person+horse` after those of the others, and raw id -> (first) word."""
    plain = [name for name in classes.values() if "+" not in name]
    known = {word for label in _parse(path, plain) for word in label.synonyms} if plain else set()
    parts = [_parts(path, name) for name in classes.values() if "+" in name]
    extra = dict.fromkeys(word for words in parts for word in words if word not in known)
    vocabulary = _parse(path, [*plain, *extra])
    place = {word: i for i, label in enumerate(vocabulary) for word in label.synonyms}
    return vocabulary, {raw: place[_parts(path, name.split("|")[0])[0]] for raw, name in classes.items()}


def _read_sequences(
    path: Path, classes: Mapping[int, str], ids: Mapping[int, int]
) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Sequence -> (the object's id among the words, the words that count as the object)."""
    by_name = {name.lower(): raw for raw, name in classes.items()}
    objects: dict[str, tuple[int, tuple[str, ...]]] = {}
    for line in read_lines(path, "write a line `sequence id name` for each video into it"):
        sequence, *rest = line.split(maxsplit=1)
        number, *name = rest[0].split(maxsplit=1) if rest else ("",)
        if number.isdecimal() and int(number) in classes and name:
            raw, words = int(number), name[0]
        elif rest and rest[0].lower() in by_name:
            raw, words = by_name[rest[0].lower()], rest[0]
        else:
            raise InputError(
                f"The line {line!r} of {path} is not `sequence id name` with an id of {CLASSES}: correct it."
            )
        if sequence in objects:
            raise InputError(f"The sequence {sequence} is given twice in {path}: keep one line.")
        objects[sequence] = ids[raw], _parts(path, words)
    return objects


def _parts(path: Path, name: str) -> tuple[str, ...]:
    """The words of a name such as `person+horse`, as the vocabulary has them."""
    return _parse(path, name.split("+")).names


def _parse(path: Path, names: list[str]) -> Vocabulary:
    """A label for each name."""
    for name in names:
        if "," in name or name.startswith("@"):
            raise InputError(f"The class {name!r} in {path} is not a valid word: put bars between synonyms.")
    try:
        return Vocabulary.parse(", ".join(names))
    except InputError as error:
        raise InputError(f"In {path}: {error}") from error


def _clips(root: Path, objects: Mapping[str, tuple[int, tuple[str, ...]]] | None) -> tuple[Clip, ...]:
    videos, images = (root / "data").is_dir(), (root / "images").is_dir()
    if videos and images:
        raise InputError(f"{root} holds both data/ (videos) and images/: split it into two sets.")
    if images and objects is not None:
        raise InputError(
            f"{root / SEQUENCES} names the objects of videos, but {root} holds no data/: remove it."
        )
    return _videos(root, objects) if videos else _images(root)


def _videos(root: Path, objects: Mapping[str, tuple[int, tuple[str, ...]]] | None) -> tuple[Clip, ...]:
    clips: list[Clip] = []
    for folder in sorted(path for path in (root / "data").iterdir() if path.is_dir()):
        if objects is not None and folder.name not in objects:
            raise InputError(f"{root / SEQUENCES} names no object for the video {folder.name}: add its line.")
        frames = tuple(frames_in(folder / "origin"))
        labels = _labels_of(frames, folder / "mask")
        named = None if objects is None else objects[folder.name]
        clips.append(Clip(folder.name, frames, labels, objects=named))
    return tuple(clips)


def _images(root: Path) -> tuple[Clip, ...]:
    images = require_folder(root / "images", "a folder set holds data/ with videos, or images/ and labels/")
    inside = next((path for path in sorted(images.iterdir()) if path.is_dir() and frames_in(path)), None)
    if inside is not None:
        raise InputError(
            f"{inside} holds pictures, which are not read there: move them to {images}, or make them videos "
            f"in {root / 'data'}."
        )
    frames = tuple(frames_in(images))
    labels = _labels_of(frames, root / "labels")
    return tuple(Clip(frame.stem, (frame,), (label,)) for frame, label in zip(frames, labels, strict=True))


def _labels_of(frames: tuple[Path, ...], folder: Path) -> tuple[Path | None, ...]:
    """For each frame the label file of its name; not all need have one."""
    named, labels = _by_stem(frames), _by_stem(files_in(folder, SUFFIXES))
    left = [path for stem, path in labels.items() if stem not in named]
    without = [path for stem, path in named.items() if stem not in labels]
    if left and without:
        raise InputError(
            f"{left[0]} matches no image, and {without[0]} has no label: give each label file the name of "
            "its image."
        )
    return tuple(labels.get(frame.stem) for frame in frames)


def _by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise InputError(f"{found[path.stem]} and {path.name} have the same name: remove one of them.")
        found[path.stem] = path
    return found


def _part(clips: tuple[Clip, ...], path: Path) -> tuple[Clip, ...]:
    by_name = {clip.name: clip for clip in clips}
    names = read_lines(path, "name a split whose list is in the folder, or leave the split out")
    for name in names:
        if name not in by_name:
            raise InputError(f"{path} lists {name}, which is not in the set: correct the list.")
    return tuple(by_name[name] for name in names)


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
    everything = of_compositions(compositions(), COMPOSITION_IDS, job.seed)
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
    known = of_compositions(seen(), COMPOSITION_IDS, job.seed)
    return {"train": known, "val": known, "test": of_compositions(unseen(), COMPOSITION_IDS, job.seed)}


def _write_classes(job: Job) -> None:
    write_lines(
        job.root / "classes.txt", [f"{number} {look.word}" for look, number in COMPOSITION_IDS.items()]
    )


LAYOUT = Layout(
    read,
    splits=(ALL,),
    own_splits=True,
    write=write_videos,
    variants={"folder-images": write_images, "folder-objects": write_objects},
)
