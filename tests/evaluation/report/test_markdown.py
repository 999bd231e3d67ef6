"""Numbers of a report."""

from __future__ import annotations

import pytest

from openvss.evaluation.markdown import percent


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.12345, "12.35"), (1.0, "100.00")])
def test_percent(value: float | None, text: str) -> None:
    assert percent(value) == text
