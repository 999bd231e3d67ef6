"""`openvss info`: what is installed and where things are kept, for a look or a report of a problem."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer

PACKAGES = ("torch", "av", "numpy", "pillow", "transformers", "safetensors", "typer")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def info(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print versions, devices, threads, caches with their sizes, and bundled models."""
    found = _found()
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for title, entries in found.items():
        typer.echo(title)
        for name, value in entries.items():
            typer.echo(f"  {name}: {value if value is not None else 'none'}")


def _found() -> dict[str, dict[str, Any]]:
    import av
    import torch

    from openvss import __version__

    ffmpeg = ", ".join(f"{name} {'.'.join(map(str, v))}" for name, v in sorted(av.library_versions.items()))
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "versions": {"openvss": __version__, "python": platform.python_version(), **versions},
        "system": {"platform": platform.platform(), "python": sys.executable, "ffmpeg": ffmpeg},
        "devices": {name: _device(torch, name) for name in _devices(torch)},
        "threads": {
            "processors": os.cpu_count(),
            "torch": torch.get_num_threads(),
            **{name: os.environ[name] for name in THREADS if name in os.environ},
        },
        "caches": _caches(),
        "bundled models": _bundled(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _devices(torch: Any) -> list[str]:
    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return ["cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])]


def _device(torch: Any, name: str) -> str:
    if name.startswith("cuda"):
        one = torch.cuda.get_device_properties(name)
        return f"{one.name}, {one.total_memory / 2**30:.0f} GiB"
    return platform.machine() if name == "cpu" else "Apple GPU"


def _caches() -> dict[str, str]:
    from openvss.models.words import user_cache

    hub = Path(os.environ.get("HF_HOME") or Path("~/.cache/huggingface").expanduser())
    folders = {"words (OPENVSS_CACHE)": user_cache(), "Hugging Face hub (HF_HOME)": hub}
    return {name: _size(folder) for name, folder in folders.items() if folder is not None}


def _size(folder: Path) -> str:
    if not folder.is_dir():
        return f"{folder}, not there yet"
    size = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    return f"{folder}, {size / 1e6:.1f} MB"


def _bundled() -> dict[str, str]:
    from openvss.models.registry import PRESETS
    from openvss.weights import bundled

    own = {name: PRESETS[name].weights for name in PRESETS}
    return {
        name: f"{bundled.path(weights).stat().st_size / 1e6:.1f} MB, sha256 {bundled.sha256(weights)[:12]}"
        for name, weights in own.items()
        if weights
    }
