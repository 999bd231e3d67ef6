"""Tensors that depend only on sizes and a device: built once, not for every frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar, TypeVarTuple

import torch

A = TypeVarTuple("A")
T = TypeVar("T")


def built_once(kept: int) -> Callable[[Callable[[*A], T]], Callable[[*A], T]]:
    """Decorator: keep the last `kept` results, one for each set of arguments; never change them in place.

    The first caller may be in inference mode, and training may need the same tensors later: they are always
    ordinary ones. Tracing and exporting neither keep anything nor are given what was kept: sizes are symbols
    there, and tensors have no numbers in them.
    """

    def decorate(build: Callable[[*A], T]) -> Callable[[*A], T]:
        remembered = lru_cache(maxsize=kept)(torch.inference_mode(False)(build))

        @wraps(build)
        def ask(*args: *A) -> T:
            if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
                return build(*args)
            return remembered(*args)

        return ask

    return decorate
