from __future__ import annotations

import csv
from fractions import Fraction

from openvss.video.journal import read_stats_line, stats_header, stats_line
from tests.video.formats.samples import WORDS, items


def test_a_line_tells_time_confidence_and_shares() -> None:
    item = items(3)[2]
    rows = csv.DictReader([stats_header(WORDS).decode(), stats_line(item).decode()])
    row = next(iter(rows))
    assert row["frame_index"] == "2"
    assert Fraction(row["time_exact"]) == Fraction(2002, 30000)
    assert row["time_seconds"] == "0.066733"
    assert row["mean_confidence"] == "0.520000"
    shares = item.labels.shares()
    for name, share in zip((*WORDS, "unlabelled"), shares, strict=True):
        assert abs(float(row[name]) - share) < 1e-6
    assert abs(sum(float(row[name]) for name in (*WORDS, "unlabelled")) - 1) < 1e-5


def test_words_with_commas_and_quotes_keep_their_columns() -> None:
    names = ('a "thing"', "x, y")
    header = stats_header(names).decode()
    assert next(csv.reader([header]))[4:] == [*names, "unlabelled"]


def test_a_name_is_no_formula() -> None:
    names = ("=1+1", "+1", "-sum(a)", "@x", "'quoted'", "sky")
    header = next(csv.reader([stats_header(names).decode()]))[4:-1]
    assert header == ["'=1+1", "'+1", "'-sum(a)", "'@x", "''quoted'", "sky"]
    assert tuple(cell.removeprefix("'") for cell in header) == names


def test_a_line_reads_back() -> None:
    item = items(2)[1]
    assert read_stats_line(stats_line(item)) == (1, item.frame.time, 0.51)
