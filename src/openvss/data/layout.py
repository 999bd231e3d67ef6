"""What a data set's file declares, what reading one gives, and how files are found on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openvss.data.base import Clip, Ids
from openvss.data.labels import IdTable
from openvss.data.protocol import PLAIN, Protocol
from openvss.data.synthetic.job import Job
from openvss.errors import InputError
from openvss.video.images import frame_files
from openvss.video.labelmap import unlabelled_id
from openvss.words.vocabulary import Vocabulary


@dataclass(frozen=True)
class ClipSet:
    """A data set whose layout has been read: the `Dataset` of every layout.

    Attributes:
        name: As in `name:root`.
        root: The folder it was read from.
        split: Such as "val".
        vocabulary: The classes in id order.
        table: What the numbers in its label files mean.
        clips: All videos or images of the split. Where the layout says that a frame has a label file, that
            file is named whether or not it exists.
        frame_ending: What follows a frame's own name in its file's name, without the suffix.
        label_ending: The same for label files.
        uncounted: Classes of the label files whose pixels do not count and that are not words.
    """

    name: str
    root: Path
    split: str
    vocabulary: Vocabulary
    table: IdTable
    clips: tuple[Clip, ...]
    frame_ending: str = ""
    label_ending: str = ""
    uncounted: tuple[str, ...] = ()

    @property
    def ignore(self) -> int:
        """The id of pixels that do not count."""
        return unlabelled_id(len(self.vocabulary))

    @property
    def renumbers(self) -> bool:
        """Whether class ids are other numbers than those in the label files."""
        n = len(self.vocabulary)
        return self.table.classes[:n].tolist() != list(range(n))

    def read_label(self, path: Path) -> Ids:
        """(H, W) class ids, or `ignore`."""
        return self.table.read(path)


@dataclass(frozen=True)
class Conversion:
    """One step of preparing a data set: a file to be made from others.

    Attributes:
        target: The file; where it exists already, nothing is done.
        write: Makes it, under the other name that it is given.
    """

    target: Path
    write: Callable[[Path], None]


@dataclass(frozen=True)
class Layout:
    """Everything specific to one data set; its file declares it, and `LAYOUTS` lists it.

    Attributes:
        read: From its root and a split.
        splits: The splits it has, the default first.
        own_splits: Whether its files may name further splits.
        protocols: The protocols that are made for its list of words.
        protocol: The name of the protocol in which results on it are most often given.
        write: Fills a folder with a rendered twin, for `openvss data make`.
        variants: Further twins by name, for data sets that have several forms.
        conversions: From its root, what `openvss data prepare` does; None if it is read as it was released.
        prepared: The folders that this makes.
    """

    read: Callable[[Path, str], ClipSet]
    splits: tuple[str, ...] = ("val", "train")
    own_splits: bool = False
    protocols: tuple[Protocol, ...] = ()
    protocol: str = PLAIN
    write: Callable[[Job], None] | None = None
    variants: Mapping[str, Callable[[Job], None]] = field(default_factory=dict)
    conversions: Callable[[Path], list[Conversion]] | None = None
    prepared: tuple[str, ...] = ()


def require_folder(path: Path, hint: str) -> Path:
    """The folder, if it exists; `hint` says what to do if not."""
    if not path.is_dir():
        raise InputError(f"The folder {path} does not exist: {hint}.")
    return path


def first_folder(candidates: Iterable[Path], hint: str) -> Path:
    """The first of several folders that exists."""
    found = list(candidates)
    for path in found:
        if path.is_dir():
            return path
    return require_folder(found[0], hint)


def read_lines(path: Path, hint: str) -> list[str]:
    """The lines of a text file that are not empty, trimmed."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"The file {path} cannot be read ({error.strerror}): {hint}.") from error
    except ValueError as error:
        raise InputError(f"The file {path} is not a UTF-8 text file: {hint}.") from error
    return [line for line in map(str.strip, text.splitlines()) if line]


def frames_in(folder: Path) -> list[Path]:
    """The images in a folder, in natural order; empty if the folder does not exist."""
    return frame_files(folder.iterdir()) if folder.is_dir() else []


def files_in(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """The files in a folder that have one of the suffixes, by name; empty if the folder does not exist."""
    wanted = set(suffixes)
    if not folder.is_dir():
        return []
    paths = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in paths if path.suffix.lower() in wanted)


def image_clips(frames: Iterable[Path], labels: Path, ending: str) -> tuple[Clip, ...]:
    """A clip of one frame for each image, whose label is `labels/<name><ending>`."""
    return tuple(Clip(frame.stem, (frame,), (labels / f"{frame.stem}{ending}",)) for frame in frames)
