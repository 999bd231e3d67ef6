"""Which tokens a window of the target looks at: r, p and s of the paper, as the authors' code has them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

Cell = tuple[int, int]  # row and column


@dataclass(frozen=True)
class Pooling:
    """How coarsely one frame is seen.

    Attributes:
        cells: Pooled cells along a window's side, 1 is the coarsest; p is about `window / cells`.
        kernel: Cells along a region's side, odd; r is about `kernel * p`.
    """

    cells: int
    kernel: int

    def __post_init__(self) -> None:
        if self.cells < 1 or self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"{self}: cells and kernel are positive, and the kernel is odd")


COARSE, MIDDLE, FINE = Pooling(1, 7), Pooling(2, 5), Pooling(3, 3)


def by_rank(n: int) -> tuple[Pooling, ...]:
    """Pooling of `n` references by rank: the nearest finely, the third and all beyond coarsely."""
    ranked = (COARSE, MIDDLE, FINE)
    return (COARSE,) * (n - 3) + ranked[-n:] if n else ranked


@dataclass(frozen=True)
class Geometry:
    """The regions of all frames.

    Attributes:
        window: Side s of the target's windows, in positions of the map.
        expand: Width of the ring of the target's own positions around each window.
        target: Pooling of the target itself, beside its window and ring.
        references: Pooling of each reference, farthest first.
        centred: Shift the cells so that each region lies around its window; the authors' regions of `MIDDLE`
            and `FINE` reach further back than ahead.
        mask_border: Hide what lies beyond the map; the authors let windows see the padding, and the opposite
            edge through their ring.
    """

    window: int = 7
    expand: int = 3
    target: Pooling = Pooling(1, 5)
    references: tuple[Pooling, ...] = (COARSE, MIDDLE, FINE)
    centred: bool = False
    mask_border: bool = False

    @property
    def pooled(self) -> tuple[Pooling, ...]:
        """Of the target, then of the references: the order of tokens."""
        return (self.target, *self.references)

    @property
    def n_keys(self) -> int:
        """Distinct tokens that a window looks at."""
        return len(self.near) + sum(p.kernel**2 for p in self.pooled)

    @cached_property
    def own(self) -> list[Cell]:
        """The window's own positions."""
        return [(i, j) for i in range(self.window) for j in range(self.window)]

    @cached_property
    def ring(self) -> list[Cell]:
        """Positions around the window, in the order of the authors' table of biases, which names some twice.

        They slide the window diagonally into each of four directions and keep what leaves it.
        """
        slid = [(i, j) for i in (self.expand, -self.expand) for j in (self.expand, -self.expand)]
        inside = set(self.own)
        moved = [(i + di, j + dj) for di, dj in slid for i, j in self.own]
        return [cell for cell in moved if cell not in inside]

    @cached_property
    def near(self) -> list[Cell]:
        """Window and ring, each position once."""
        return list(dict.fromkeys([*self.own, *self.ring]))

    def start(self, pooling: Pooling) -> int:
        """First cell of a region, counted from the first one of its window."""
        return -math.ceil(self._before(pooling)) if self.centred else -(pooling.kernel // 2)

    def shift(self, pooling: Pooling) -> float:
        """By how many positions the cells move down and right, where whole cells cannot centre a region."""
        if not self.centred:
            return 0.0
        return (math.ceil(self._before(pooling)) - self._before(pooling)) * self.window / pooling.cells

    def _before(self, pooling: Pooling) -> float:
        return (pooling.kernel - pooling.cells) / 2
