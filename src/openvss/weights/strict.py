"""Loads weights into a module strictly: anything missing, left over or of another shape is an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from openvss.errors import InputError


@dataclass(frozen=True)
class Report:
    """How well a table of weights fits a module.

    Attributes:
        source: Where the weights are from.
        missing: Names in the module that the weights lack.
        unexpected: Names in the weights that the module lacks.
        misshapen: Names of both whose shapes differ, with the shapes.
    """

    source: str
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    misshapen: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether names and shapes match completely."""
        return not (self.missing or self.unexpected or self.misshapen)

    def __str__(self) -> str:
        problems = [
            _some("missing", self.missing),
            _some("unexpected", self.unexpected),
            _some("of another shape", self.misshapen),
        ]
        return "; ".join(filter(None, problems)) or "all weights fit"


def compare(module: nn.Module, state: Mapping[str, Tensor], source: str) -> Report:
    """How well `state` fits `module`, which is not changed."""
    own = module.state_dict()
    shared = [name for name in own if name in state]
    return Report(
        source,
        missing=tuple(name for name in own if name not in state),
        unexpected=tuple(name for name in state if name not in own),
        misshapen=tuple(
            f"{name} {tuple(state[name].shape)} instead of {tuple(own[name].shape)}"
            for name in shared
            if state[name].shape != own[name].shape
        ),
    )


def fill(module: nn.Module, state: Mapping[str, Tensor], source: str) -> Report:
    """Load every weight; anything missing, left over or of another shape is an `InputError`."""
    report = require_fit(compare(module, state, source))
    module.load_state_dict(dict(state), strict=True)
    return report


def require_fit(report: Report) -> Report:
    """The report, if every weight fits."""
    if not report.fits:
        raise InputError(f"The weights in {report.source} are not those of this model: {report}.")
    return report


def _some(what: str, names: Sequence[str], shown: int = 3) -> str:
    if not names:
        return ""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{what} {', '.join(names[:shown])}{more}"
