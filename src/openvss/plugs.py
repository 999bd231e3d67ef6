"""Tables of named things: ours, and what installed packages add through entry points."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from openvss.errors import InputError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class Table(MutableMapping[str, T], Generic[T]):
    """Names and what they stand for.

    Another package adds to it without changing ours: with an entry point of the table's group, which is
    imported when its name is looked up, or with `add`.

    Args:
        kind: What is named, for messages: "model".
        own: Our own entries, in the order in which they are listed.
        group: Of entry points; None if packages cannot add any.
    """

    def __init__(self, kind: str, own: Mapping[str, T], group: str | None = None) -> None:
        self.kind = kind
        self._entries: dict[str, T] = dict(own)
        self._group = group
        self._found: dict[str, EntryPoint] | None = None

    def add(self, name: str, entry: T) -> None:
        """Make a name known in this process."""
        self[name] = entry

    def find(self, name: str, otherwise: str = "") -> T:
        """What a name stands for, or a sentence that names the choices; `otherwise` ends that sentence."""
        if name not in self:
            raise InputError(f"There is no {self.kind} {name!r}: {self._choices(name)}{otherwise}.")
        return self[name]

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            self._entries[name] = self._load(self._outside[name])
        return self._entries[name]

    def __setitem__(self, name: str, entry: T) -> None:
        self._entries[name] = entry

    def __delitem__(self, name: str) -> None:  # an entry point is found again
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys([*self._entries, *self._outside])

    def __len__(self) -> int:
        return len({*self._entries, *self._outside})

    def __contains__(self, name: object) -> bool:  # without importing anything
        return name in self._entries or name in self._outside

    @property
    def _outside(self) -> dict[str, EntryPoint]:
        if self._found is None:
            from importlib.metadata import entry_points  # `openvss --help` does without

            points = () if self._group is None else entry_points(group=self._group)
            self._found = {point.name: point for point in points}
        return self._found

    def _load(self, point: EntryPoint) -> T:
        try:
            entry: T = point.load()
        except Exception as error:
            package = "a package" if point.dist is None else f"the package {point.dist.name}"
            raise InputError(
                f"The {self.kind} {point.name!r} of {package} cannot be imported ({error}): repair or "
                "uninstall the package."
            ) from error
        return entry

    def _choices(self, name: str) -> str:
        close = difflib.get_close_matches(name.lower(), self)
        choose = f"did you mean {close[0]}? Choose" if close else "choose"
        return f"{choose} one of {', '.join(self)}"


def later(path: str) -> Callable[..., Any]:
    """What "package.module:name" names, imported once it is called."""
    module, _, name = path.partition(":")

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(module), name)(*args, **kwargs)

    return call
