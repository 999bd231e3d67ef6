"""An accelerator that is not there: it computes here, and counts what a real one would be waited for.

Its tensors say that they are elsewhere and hold their numbers on this machine. So what the host has to wait
for can be counted, and a tensor that was forgotten on the wrong side is an error, as it is on a real one.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

NAME = "meta"  # torch lets its tensors be made anywhere, and leaves all they do to the modes below
HERE = torch.device("cpu")

aten = torch.ops.aten
# What the host must know before it can go on: a number, or the size of a result.
NUMBERS = (aten._local_scalar_dense, aten.is_nonzero, aten.equal)
SIZES = (
    aten.nonzero,
    aten.masked_select,
    aten._unique,
    aten._unique2,
    aten.unique_dim,
    aten.unique_consecutive,
    aten.bincount,
    aten.repeat_interleave,
)
INDEXING = (aten.index, aten.index_put, aten.index_put_, aten._unsafe_index, aten._index_put_impl_)
MOVING = (aten._to_copy, aten.copy_)


class Elsewhere(Tensor):
    """A tensor of the pretended device; `held` is what it holds."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Elsewhere:
        made: Elsewhere = Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device(NAME),
        )
        return made

    def __init__(self, held: Tensor) -> None:
        self.held = held

    def __repr__(self, **_: object) -> str:  # type: ignore[override]
        return f"elsewhere: {self.held!r}"

    def tolist(self) -> Any:
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        raise RuntimeError(f"{func} of a pretended device that was left")


class PretendDevice:
    """While it is entered, the device `name` is there.

    Attributes:
        name: For `.to(name)` and `device=name`.
        waits: How often it was waited for, by the operation that did.
        operations: How many it was given.
    """

    name = NAME

    def __init__(self) -> None:
        self.waits: Counter[str] = Counter()
        self.operations = 0
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        self._entered.enter_context(_Constants())
        self._entered.enter_context(_Operations(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.close()


class _Constants(TorchFunctionMode):
    """Numbers of the host go to the device by a copy that the other mode sees."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.tensor, torch.as_tensor) and not isinstance(args[0], Tensor):
            device = kwargs.pop("device", None)
            made = func(*args, **kwargs)
            return made if device is None else made.to(device)
        if func is Tensor.new_tensor:
            made = torch.tensor(args[1], dtype=kwargs.get("dtype", args[0].dtype))
            return made.to(kwargs.get("device", args[0].device))
        if func is Tensor.__getitem__ and isinstance(args[1], list):
            args = args[0], torch.tensor(args[1]).to(args[0].device)
        return func(*args, **kwargs)


class _Operations(TorchDispatchMode):
    """Does on the host what the device is told to do."""

    def __init__(self, device: PretendDevice) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._device = device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func._can_decompose():  # in inference mode operations come whole
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        if any(x.is_meta and not isinstance(x, Elsewhere) for x in given):
            raise RuntimeError(f"{func} is given a tensor without numbers")
        remote = [x for x in given if isinstance(x, Elsewhere)]
        there = bool(remote)
        if func.overloadpacket is aten.copy_:
            there = isinstance(args[0], Elsewhere)
        if kwargs.get("device") is not None:
            there = torch.device(kwargs["device"]).type == NAME
            kwargs["device"] = HERE
        if remote:
            self._count(func, args, given, there)
        held_args, held_kwargs = tree_map_only(Elsewhere, lambda x: x.held, (args, kwargs))
        result = func(*held_args, **held_kwargs)
        if not there:
            return result
        if func._schema.is_mutable and func._schema.returns and func._schema.returns[0].alias_info:
            return args[0]  # changed in place
        # a view of an ordinary tensor is an ordinary one, also in inference mode
        ordinary = bool(remote) and func.is_view and not remote[0].is_inference()
        with torch.inference_mode(torch.is_inference_mode_enabled() and not ordinary):
            return tree_map_only(Tensor, Elsewhere, result)

    def _count(self, func: Any, args: Any, given: list[Tensor], there: bool) -> None:
        kind = func.overloadpacket
        self._device.operations += 1
        if (
            kind in (*NUMBERS, *SIZES)
            or (kind in MOVING and not there)
            or (kind in INDEXING and any(x.dtype in (torch.bool, torch.uint8) for x in _indices(args[1])))
        ):
            self._device.waits[str(kind)] += 1
        astray = [x for x in given if not isinstance(x, Elsewhere) and x.ndim]
        if astray and kind not in (*INDEXING, *MOVING):
            raise RuntimeError(f"{func} is given tensors of two devices")


def _indices(indices: Any) -> list[Tensor]:
    return [x for x in indices if isinstance(x, Tensor)]
