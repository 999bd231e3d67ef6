"""Tensors that depend on sizes and a device alone: built once, not again for every frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")


def built_once(kept: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorator: keep the last `kept` results, one for each set of arguments; nobody may change them.

    Who asks first may be in inference mode, and training may need the same tensors later: they are always
    ordinary ones. Tracing and exporting neither keep anything nor are given what was kept: sizes are symbols
    there, and tensors have no numbers in them.
    """

    def decorate(build: Callable[P, T]) -> Callable[P, T]:
        remembered = lru_cache(maxsize=kept)(torch.inference_mode(False)(build))

        @wraps(build)
        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            if torch.compiler.is_compiling() or torch.jit.is_tracing():
                return build(*args, **kwargs)
            return remembered(*args, **kwargs)

        return ask

    return decorate
