"""Running out of memory, on any device."""

from __future__ import annotations


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says so; PyTorch's own is a RuntimeError, on the processor with nothing but a text."""
    text = str(error).lower()
    told = "out of memory" in text or "can't allocate memory" in text
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and told)
