"""Some of many: spread evenly over all that come, however many, in bounded memory."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Spread(Generic[T]):
    """Keeps items whose number is a multiple of a stride, which doubles whenever there are too many.

    Args:
        wanted: How many are picked in the end; up to four times as many are kept until then.
    """

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._kept: list[T] = []
        self._seen, self._stride = 0, 1

    def wants_next(self) -> bool:
        """Whether the next item is one to `keep`; to be asked once for each."""
        self._seen += 1
        return (self._seen - 1) % self._stride == 0

    def keep(self, item: T) -> None:
        """Keep the item that was asked about."""
        self._kept.append(item)
        if len(self._kept) > 4 * self._wanted:
            self._kept = self._kept[::2]
            self._stride *= 2

    def picked(self) -> list[T]:
        """As many as are wanted, the first one among them, evenly spread; all if there are fewer."""
        return evenly(self._kept, self._wanted)


def evenly(items: list[T], wanted: int) -> list[T]:
    """At most so many of the items, the first and the last among them."""
    last = len(items) - 1
    if last < wanted:
        return list(items)
    return [items[round(i * last / (wanted - 1))] for i in range(wanted)]
