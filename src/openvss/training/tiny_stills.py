"""The pictures that the video's part of `tiny` learns from, as a data set of its own: every pixel has a word.

Behind VOC's objects these are the image encoder's own best words that are none of the 20, sure or not: left
open, objects would grow into what nothing is asked about.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image

from openvss.models.tiny import Tiny
from openvss.training.tiny_backgrounds import label_one
from openvss.training.tiny_data import behind_objects
from openvss.training.tiny_lesson import Lesson
from openvss.training.watcher import Watcher


def write_stills(folder: Path, lesson: Lesson, model: Tiny, watcher: Watcher) -> str:
    """The set as a recipe names it; written unless that is done.

    Args:
        folder: For it.
        lesson: Pictures and words.
        model: After the second round, in eval mode.
        watcher: Told how many pictures are done.
    """
    classes = folder / "classes.txt"
    if not classes.exists():
        for name in ("images", "labels"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        total, done = sum(map(len, lesson.pictures.values())), 0
        for source, pictures in lesson.pictures.items():
            for picture in pictures:
                stem, ids = f"{source}-{picture.image.stem}", picture.ids()
                if source == "voc":
                    own = label_one(model, picture, lesson.table.means, lesson.loss.other, None, sure=0.0)
                    ids = behind_objects(ids, own)
                shutil.copyfile(picture.image, folder / "images" / f"{stem}{picture.image.suffix}")
                Image.fromarray(ids).save(folder / "labels" / f"{stem}.png")
                done += 1
                watcher.frame("stills", done, total)
        lines = (f"{i} {' | '.join(synonyms)}\n" for i, synonyms in enumerate(lesson.words))
        classes.write_text("".join(lines), encoding="utf-8")
    return f"folder:{folder.absolute()}"
