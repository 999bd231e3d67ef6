"""Words of every kind: refused in a sentence, or the same in every file that names them."""

from __future__ import annotations

import csv
import json
import random
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from openvss.errors import InputError
from openvss.video.journal import stats_header
from openvss.words.vocabulary import Vocabulary
from tests.hostile.campaign import DAMAGES, require_sentence, tally, watchdog
from tests.video.runs import feed, made, open_folder

HOSTILE = (
    *("=1+1", "+1", "-1", "@x", "=cmd|' /C calc'!A0", "'", '"'),
    *('""', "a;b", "a\tb", "a\\b", "..", "/", "../../x"),
    *("<b>", "<script>alert(1)</script>", "&lt;", "[a](http://b)", "`rm`"),
    *("$(rm)", "{0}", "{__class__}", "%s", "%"),
    *("null", "nan", "true", "0", "unlabelled", "Unlabelled", "frame_index", "time_exact", "con", "nul.png"),
    *("é", "e\u0301", "道路", "שלום", "مرحبا", "ﷺ", "🐕"),
    *("👩‍👩‍👧‍👦", "\u202eabc", "\u200b", "\ufeff", "\x00", "\x1b[31m", "\n", "\r"),
    *("\ud800", "ß", "ẞ", "İ", "ﬁ", "Ǆ", "\u2028", "\xa0"),
    *("\xad", "a" * 10_000, "a" * 100, ",", "|", "||", "a|a", "a,a", ""),
    *("@", "@/dev/zero", "@/dev/full", "@/dev/null", "@/proc/self/mem"),
    *("@.", "@nowhere", "@\0", "@~nobody-x/y", "vspw"),
)  # fmt: skip
ROUNDS = 60


def parsed(text: str, counts: Counter[str]) -> Vocabulary | None:
    try:
        with watchdog():
            words = Vocabulary.parse(text)
    except InputError as error:
        require_sentence(error)
        counts["refused"] += 1
        return None
    counts["taken"] += 1
    assert Vocabulary.parse(str(words)).names == words.names
    return words


def test_hostile_words_are_refused_or_stay_what_they_are() -> None:
    counts, rng = Counter[str](), random.Random(0)
    texts = list(HOSTILE)
    for _ in range(ROUNDS):
        texts.append(", ".join(rng.sample(HOSTILE, 3)))
        texts.append("".join(chr(rng.randrange(sys.maxunicode)) for _ in range(rng.randrange(1, 30))))
    for text in texts:
        words = parsed(text, counts)
        if words is None:
            continue
        header = next(csv.reader([stats_header(words.names).decode()]))[4:-1]
        assert [cell.removeprefix("'") if cell[0] == "'" else cell for cell in header] == list(words.names)
        assert json.loads(json.dumps(words.names)) == list(words.names)
        assert all(unicodedata.category(c) not in ("Cc", "Cs") for name in words.names for c in name)
    tally(counts, refused=60, taken=40)
    assert sum(counts.values()) == len(HOSTILE) + 2 * ROUNDS


def test_damaged_files_of_words(tmp_path: Path) -> None:
    text, counts = b"# some\nperson | pedestrian\nroad\n\nsky\ntraffic light\n", Counter[str]()
    path = tmp_path / "words.txt"
    for kind, make in DAMAGES.items():
        for seed in range(8):
            path.write_bytes(make(text, b"\xff\xfe\x00\x01" * 99, random.Random(f"{kind} {seed}")))
            parsed(f"@{path}", counts)
    tally(counts, refused=8, taken=8)


@pytest.mark.parametrize("names", [("=1+1", "<b>", "../../x", "con"), ("é", "道路", "🐕", "שלום")])
def test_every_format_takes_every_word(tmp_path: Path, names: tuple[str, ...]) -> None:
    with watchdog(), open_folder(tmp_path / "out", names=names) as folder:
        feed(folder, made(3, names))
    classes = json.loads((tmp_path / "out" / "classes.json").read_text())
    assert [one["name"] for one in classes] == list(names)
    for name in ("annotations.json", "panoptic.json"):
        assert [
            one["name"] for one in json.loads((tmp_path / "out" / name).read_text())["categories"]
        ] == list(names)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
