"""Where a measurement was taken: printed with every table."""

import os
import platform
from pathlib import Path

import torch


def describe() -> str:
    """One line: processor, cores, memory, versions."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    cores = os.cpu_count()
    return (
        f"{names[0] if names else platform.processor()}, {cores} cores, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__} ({torch.get_num_threads()} threads)"
    )
