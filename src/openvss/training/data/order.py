"""Which sample comes when: any position can be asked for, so that a resumed run needs no memory."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

CHUNK = 4096


class SampleOrder:
    """An endless, mixed order of the items of several data sets.

    Each position draws its set by weight. Within a set every item comes once before any comes again, shuffled
    anew each time round.

    Args:
        sizes: Items of each set.
        weights: Relative shares of the sets.
        seed: Of all chance.
        group: So many consecutive positions come from one set.
    """

    def __init__(self, sizes: Sequence[int], weights: Sequence[float], seed: int, group: int = 1) -> None:
        self._sizes, self._seed, self._group = tuple(sizes), seed, group
        self._upto = np.cumsum(np.asarray(weights, float) / sum(weights))
        self._upto[-1] = 1.0
        self._before = [np.zeros(len(sizes), np.int64)]  # groups of each set before each chunk
        self._permutation = functools.lru_cache(maxsize=2 * len(sizes))(self._shuffle)
        self._chunk = functools.lru_cache(maxsize=4)(self._draw)

    def at(self, position: int) -> tuple[int, int]:
        """The set and the item at a position."""
        group, within = divmod(position, self._group)
        chunk, place = divmod(group, CHUNK)
        while len(self._before) <= chunk:
            counts = np.bincount(self._chunk(len(self._before) - 1), minlength=len(self._sizes))
            self._before.append(self._before[-1] + counts)
        drawn = self._chunk(chunk)
        chosen = int(drawn[place])
        earlier = int(self._before[chunk][chosen]) + int(np.count_nonzero(drawn[:place] == chosen))
        lap, item = divmod(earlier * self._group + within, self._sizes[chosen])
        return chosen, int(self._permutation(chosen, lap)[item])

    def _draw(self, chunk: int) -> npt.NDArray[np.int64]:
        chance = np.random.default_rng((self._seed, 0, chunk)).random(CHUNK)
        return np.searchsorted(self._upto, chance, side="right")

    def _shuffle(self, chosen: int, lap: int) -> npt.NDArray[np.int64]:
        return np.random.default_rng((self._seed, 1 + chosen, lap)).permutation(self._sizes[chosen])
