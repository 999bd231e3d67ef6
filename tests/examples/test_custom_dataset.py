"""The example that writes a data set and scores a model on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from openvss.data.catalogue import open_dataset

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_dataset.py"


def test_it_is_written_and_scored(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLE), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[-3:]] == ["grass", "ball", "sky"]
    (clip,) = open_dataset(f"folder:{tmp_path / 'set'}").clips
    assert (clip.name, len(clip.frames)) == ("ball", 4)
    result = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert 0 < result["miou"] < 1
