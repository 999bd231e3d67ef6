"""A preset: a system with its options, under a name of its own. Importing this needs no torch."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from openvss.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from torch import Tensor

    from openvss.models.base import VideoModel


@dataclass(frozen=True)
class Preset:
    """A system under a name.

    Attributes:
        summary: One line for `openvss models`.
        pair: What relates its images to words.
        options: A dataclass of the system's options, with the values that make this preset. Its fields are
            the only list of them: plain values that JSON can hold, with type hints.
        builder: From such a dataclass to the model without trained weights; `plugs.later` imports it once it
            is called.
        weights: Name of the bundled weights file; None if no trained weights exist.
        parts: Where the weights of its parts come from, if nothing else in it is trained.
        keys: From the names of other software's weights to ours; names that it does not know stay.
    """

    summary: str
    pair: str
    options: DataclassInstance
    builder: Callable[[Any], VideoModel]
    weights: str | None = None
    parts: str | None = None
    keys: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] | None = None

    def defaults(self) -> dict[str, object]:
        """The options and their default values."""
        return {option.name: getattr(self.options, option.name) for option in fields(self.options)}

    def checked(self, name: str, given: Mapping[str, object]) -> dict[str, Any]:
        """Some of the options, as their type hints have them: a recipe's list becomes a tuple, for example.

        Args:
            name: Of the preset, for messages.
            given: Values as they come from a recipe or a checkpoint.
        """
        hints = typing.get_type_hints(type(self.options))
        names = [option.name for option in fields(self.options)]
        checked = {}
        for key, value in given.items():
            if key not in names:
                choices = f"choose one of {', '.join(names)}" if names else "it has none"
                raise InputError(f"The model {name} has no option {key!r}: {choices}.")
            try:
                checked[key] = TypeAdapter(hints[key]).validate_json(json.dumps(value), strict=True)
            except ValidationError as error:
                reason = error.errors()[0]["msg"]
                raise InputError(
                    f"The option {key} of {name} cannot be {value!r}: {reason.lower()}."
                ) from None
        return checked

    def build(self, options: Mapping[str, Any]) -> VideoModel:
        """The model without trained weights; the options are those that `checked` gives."""
        return self.builder(replace(self.options, **options))


def weight_of_past(smoothing: float) -> float:
    """The option `smoothing` of several systems, if it is one."""
    if not 0 <= smoothing < 1:
        raise InputError(f"smoothing must be at least 0 and less than 1, not {smoothing:g}.")
    return smoothing
