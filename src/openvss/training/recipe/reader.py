"""Recipe files: YAML with overrides and stages; every mistake is reported with its line."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from openvss.errors import InputError
from openvss.training.recipe import yaml_lines
from openvss.training.recipe.schema import Recipe
from openvss.training.recipe.yaml_lines import Key

STAGES = "stages"


@dataclass(frozen=True)
class Stage:
    """A stage and its name, "" if it is the only one."""

    name: str
    recipe: Recipe


def read_stages(file: Path, overrides: Sequence[str] = ()) -> list[Stage]:
    """The stages of a recipe, each a complete recipe; overrides are `a.b=c`."""
    content, lines = yaml_lines.read(file)
    given: dict[Key, str] = {}
    for override in overrides:
        key = yaml_lines.change(content, override)
        given[key] = override
    where = _Where(file, lines, given)
    stages = content.pop(STAGES, None)
    if stages is None:
        return [Stage("", _recipe(content, (), where))]
    if not isinstance(stages, list) or not stages or not all(isinstance(stage, dict) for stage in stages):
        raise InputError(
            f"{where.of((STAGES,))}: stages must be a list of changes to the recipe, each with a name."
        )
    return _stages(content, stages, where)


def _stages(content: dict[str, Any], stages: list[dict[str, Any]], where: _Where) -> list[Stage]:
    found: list[Stage] = []
    for place, stage in enumerate(stages):
        name = stage.pop("name", None)
        if not isinstance(name, str) or not re.fullmatch(r"[\w-]+", name) or name in {s.name for s in found}:
            raise InputError(
                f"{where.of((STAGES, place))}: every stage needs a name of its own, of letters, digits and -."
            )
        if STAGES in stage:
            raise InputError(f"{where.of((STAGES, place, STAGES))}: a stage cannot have stages.")
        found.append(Stage(name, _recipe(yaml_lines.merged(content, stage), (STAGES, place), where)))
    return found


@dataclass(frozen=True)
class _Where:
    """Finds the place of a key: its line, or the override that set it."""

    file: Path
    lines: Mapping[Key, int]
    given: Mapping[Key, str]

    def of(self, key: Key) -> str:
        """Such as "recipes/x.yaml, line 3"; for a missing key, the line of its section."""
        for end in range(len(key), -1, -1):
            if key[:end] in self.given:
                return f"--set {self.given[key[:end]]}"
            if key[:end] in self.lines:
                return f"{self.file}, line {self.lines[key[:end]]}"
        return str(self.file)

    def knows(self, key: Key) -> bool:
        return key in self.lines or any(key[:end] in self.given for end in range(1, len(key) + 1))


def _recipe(content: dict[str, Any], stage: Key, where: _Where) -> Recipe:
    try:
        return Recipe.model_validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        raise InputError(_sentence(error, content, stage, where)) from None
    except TypeError:
        raise InputError(
            f"{where.file} contains a value that is not a number, text, list or section: remove or quote it."
        ) from None


def _sentence(error: ValidationError, content: dict[str, Any], stage: Key, where: _Where) -> str:
    first = _most_telling(error)
    context = first.get("ctx", {})
    key: Key = tuple(first["loc"])
    if first["type"] == "impossible":
        key = (*key, *str(context["key"]).split("."))
    key = _existing(key, content) if first["type"] not in ("missing", "impossible") else key
    place = where.of((*stage, *key)) if stage and where.knows((*stage, *key)) else where.of(key)
    name = ".".join(map(str, key))
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{place}: unknown recipe key {name}{_suggestion(key)}: remove or correct it."
    if first["type"] == "missing":
        return f"{place}: {name} is missing: add it."
    if first["type"] == "impossible":
        return f"{place}: {name} is invalid: {context['reason']}."
    value = json.dumps(first["input"])
    value = value if len(value) <= 60 else value[:57] + "..."
    reason = first["msg"][:1].lower() + first["msg"][1:]
    return f"{place}: {name} cannot be {value}: {reason}."


def _most_telling(error: ValidationError) -> Any:
    """Unknown keys first: other errors often follow from them."""
    found = error.errors(include_url=False)
    unknown = [e for e in found if e["type"] in ("extra_forbidden", "unexpected_keyword_argument")]
    return (unknown or found)[0]


def _existing(key: Key, content: Any) -> Key:
    """The part of pydantic's location that exists in the file: it appends the types that it tried."""
    for place, part in enumerate(key):
        try:
            content = content[part]
        except (IndexError, KeyError, TypeError):
            return key[:place]
    return key


def _suggestion(key: Key) -> str:
    close = difflib.get_close_matches(str(key[-1]), _all_keys(), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _all_keys() -> list[str]:
    schema = json.dumps(Recipe.model_json_schema())
    return sorted(set(re.findall(r'"(\w+)": \{', schema)) - {"properties", "items", "$defs"})
