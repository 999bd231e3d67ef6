"""Where a model computes, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from openvss.engines.names import Precision
from openvss.errors import InputError

LOWER: dict[Precision, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str) -> torch.device:
    """The named device, or the best available one for "auto"."""
    if name == "auto":
        best = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return best or torch.device("cpu")
    try:
        if name.partition(":")[0] not in ("cpu", "cuda", "mps", "xpu"):
            raise RuntimeError
        torch.empty(0, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError, ImportError):
        raise InputError(f"Device {name!r} is not available here: use --device cpu or auto.") from None


def describe(device: torch.device) -> str:
    """What people call it: "the processor, 2 threads"."""
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"the processor, {threads} thread{'s' if threads > 1 else ''}"
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def check_precision(precision: Precision, device: torch.device) -> None:
    """Refuse a precision that the device does not have."""
    if precision == "fp16" and device.type == "cpu":
        raise InputError("--precision fp16 needs a GPU: use bf16 or fp32.")
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise InputError("This GPU does not have --precision bf16: use fp16 or fp32.")


def computing(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """What a model computes within; fp32 leaves the precision to the caller's own autocast."""
    dtype = LOWER.get(precision)
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)
