"""`examples/custom_model.py` runs, and its model learns."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_model.py"


def test_it_learns_and_streams() -> None:
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shares = re.findall(r"^frame \d: (\d+)% of the pixels are right$", done.stdout, re.MULTILINE)
    assert len(shares) == 3
    assert all(int(share) > 80 for share in shares)
