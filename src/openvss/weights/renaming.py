"""Key maps: rules that turn the names of other software's weights into ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Change = Literal["as it is", "transposed", "in halves", "in thirds", "squeezed"]


@dataclass(frozen=True)
class Rule:
    r"""What to do with the weights whose whole name matches.

    Attributes:
        pattern: Regular expression of their name.
        names: Our names, with groups of the pattern as `\1`; two if cut in halves, three if cut in thirds,
            none to drop the weight.
        change: "in halves" and "in thirds" cut the first axis, "squeezed" makes the matrix of a 1x1
            convolution.
    """

    pattern: str
    names: tuple[str, ...]
    change: Change = "as it is"

    def apply(self, name: str, value: Tensor) -> dict[str, Tensor] | None:
        """Our names and tensors; None if the rule does not match this name."""
        match = re.fullmatch(self.pattern, name)
        if match is None:
            return None
        ours = [match.expand(template) for template in self.names]
        return dict(zip(ours, self._values(value), strict=False))

    def _values(self, value: Tensor) -> Sequence[Tensor]:
        if self.change == "transposed":
            return [value.T]
        if self.change == "in halves":
            return value.chunk(2)
        if self.change == "in thirds":
            return value.chunk(3)
        if self.change == "squeezed":
            return [value.reshape(value.shape[:2]) if value.ndim == 4 else value]
        return [value]


def rename(state: Mapping[str, Tensor], rules: Sequence[Rule]) -> dict[str, Tensor]:
    """The first matching rule decides; a name that no rule matches stays, so that it is reported."""
    ours: dict[str, Tensor] = {}
    for name, value in state.items():
        renamed = next((new for rule in rules if (new := rule.apply(name, value)) is not None), {name: value})
        ours |= renamed
    return ours
