"""A contact sheet of a few frames of an input, in seconds and without a folder of results."""

from __future__ import annotations

from pathlib import Path

from openvss.segmenting.job import Job
from openvss.segmenting.suggest import Suggester, Suggestion
from openvss.storage.atomic import own_draft, replacing
from openvss.storage.file_errors import make_folder, reporting
from openvss.video.formats.contract import Labelled
from openvss.video.formats.sheet import FRAMES, TilePainter, draw_sheet
from openvss.video.glance import glance
from openvss.video.sources import Source


def preview(job: Job, source: Source, path: Path) -> tuple[int, tuple[Suggestion, ...]]:
    """Write the sheet; how many frames it has, and words that may be missing.

    Each frame is labelled as the first of a video.
    """
    job.propose(source)
    segmenter = job.segmenter
    suggester = Suggester(segmenter, FRAMES)
    classes = job.classes()
    painter = TilePainter(classes, source.size, job.style)
    tiles = []
    for frame in glance(source, FRAMES):
        segmenter.reset()
        labels = segmenter.step(frame)
        suggester.look(labels)
        tiles.append(painter.tile(Labelled(frame, labels)))
    segmenter.reset()
    sheet = draw_sheet(tiles, classes, timed=source.kind != "image")
    make_folder(path.parent)
    with reporting(path.parent), replacing(path, own_draft(path)) as draft:
        sheet.save(draft, "PNG")
    return len(tiles), suggester.suggestions()
