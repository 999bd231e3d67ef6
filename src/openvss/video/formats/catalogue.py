"""What `--format` knows: a file for each format, and an entry in the table here.

Nothing heavy is imported before a writer is made, so that `openvss segment --help` can list the formats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from openvss.plugs import Table, later

if TYPE_CHECKING:
    from openvss.video.formats.contract import OutputPlan, SourceInfo, Writer
    from openvss.video.formats.style import OverlayStyle


@dataclass(frozen=True, slots=True)
class Format:
    """An output format.

    Attributes:
        about: What it is, for `--help`.
        products: The files and folders that it leaves in the output folder.
        video: Makes the writer; None if the journal writes the files, which it needs anyway.
        image: Makes the writer for a single image, where that is another one.
        require_size: Raises InputError if `video` cannot write frames of a (width, height) in a style.
        folders: The folders that a run in the given folder made inside its product, if it makes any there.
    """

    about: str
    products: tuple[str, ...]
    video: Callable[[OutputPlan], Writer] | None = None
    image: Callable[[OutputPlan], Writer] | None = None
    require_size: Callable[[tuple[int, int], OverlayStyle], None] | None = None
    folders: Callable[[Path], list[Path]] | None = None

    def check(self, source: SourceInfo, style: OverlayStyle) -> None:
        """InputError if frames of the source's size cannot be written."""
        if self.require_size and not (self.image and source.kind == "image"):
            self.require_size(source.size, style)

    def writer(self, plan: OutputPlan) -> Writer | None:
        """The writer for a source."""
        make = self.image if self.image and plan.source.kind == "image" else self.video
        return make(plan) if make else None


MASKS = "png"
_AT = "openvss.video.formats"
_OWN = {
    MASKS: Format("masks", ("masks",)),
    "overlay": Format(
        "video",
        ("overlay.mp4", "overlay.png"),
        later(f"{_AT}.overlay:OverlayVideo"),
        image=later(f"{_AT}.overlay:OverlayPicture"),
        require_size=later(f"{_AT}.overlay:require_size"),
    ),
    "cutout": Format(
        "your words cut out, with transparency",
        ("cutout", "cutout.png"),
        later(f"{_AT}.cutout:CutoutWriter"),
        image=later(f"{_AT}.cutout:CutoutPicture"),
    ),
    "binary": Format(
        "a black-and-white mask for each word",
        ("binary", "binary.json"),
        later(f"{_AT}.binary:BinaryWriter"),
        folders=later(f"{_AT}.binary:made_folders"),
    ),
    "labels": Format(
        "lossless FFV1 video",
        ("labels.mkv",),
        later(f"{_AT}.labels:LabelVideo"),
        require_size=later(f"{_AT}.labels:require_size"),
    ),
    "panoptic": Format(
        "COCO panoptic", ("panoptic", "panoptic.json"), later(f"{_AT}.panoptic:PanopticWriter")
    ),
    "rle": Format("COCO run lengths", ("annotations.json",), later(f"{_AT}.rle:RleWriter")),
    "chart": Format("share of each word over time", ("shares.png",), later(f"{_AT}.chart:ChartWriter")),
}
FORMATS = Table("format", _OWN, group="openvss.formats")


def known_formats(names: Sequence[str]) -> tuple[str, ...]:
    """The names, each once and in the order of the table; an unknown one is an error."""
    for name in names:
        FORMATS.find(name)
    return tuple(name for name in FORMATS if name in names)


def help_text() -> str:
    """The formats for `--help`; those of installed packages are left out, as finding them takes time."""
    return f"Any of {', '.join(f'{name} ({one.about})' for name, one in _OWN.items())}, joined by commas."
