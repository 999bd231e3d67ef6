"""Numbers of a report."""

from __future__ import annotations

import pytest

from openvss.evaluation.markdown import percent, plain, table


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.12345, "12.35"), (1.0, "100.00")])
def test_percent(value: float | None, text: str) -> None:
    assert percent(value) == text


def test_a_name_is_neither_html_nor_a_link() -> None:
    line = table(["class"], [[plain("<img src=x onerror=a()> [b](http://c) `d` | e & *f*")]]).splitlines()[-1]
    assert line == ("| &lt;img src=x onerror=a()&gt; \\[b\\](http://c) \\`d\\` \\| e &amp; \\*f\\* |")
    assert plain("traffic light, wall-other") == "traffic light, wall-other"
