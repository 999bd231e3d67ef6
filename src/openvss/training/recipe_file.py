"""Recipe files: YAML with overrides and stages, read so that every mistake is named with its line."""

from __future__ import annotations

import copy
import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from openvss.errors import InputError
from openvss.training.recipe import Recipe

Key = tuple[str | int, ...]
STAGES = "stages"


@dataclass(frozen=True)
class Stage:
    """A stage and its name, "" if it is the only one."""

    name: str
    recipe: Recipe


class _Loader(yaml.SafeLoader):
    """YAML as people write it: 3e-5 is a number, and only true and false are truth values."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if not tag.endswith((":float", ":bool", ":timestamp"))]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_FLOAT = r"[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?"
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(rf"(?={_FLOAT}$)(?=.*[.eE]).*$"),
    list("-+0123456789."),
)


def read_stages(file: Path, overrides: Sequence[str] = ()) -> list[Stage]:
    """The stages of a recipe, each complete; overrides are `a.b=c`."""
    content, lines = _read(file)
    given: dict[Key, str] = {}
    for override in overrides:
        key = _override(content, override)
        given[key] = override
    where = _Where(file, lines, given)
    stages = content.pop(STAGES, None)
    if stages is None:
        return [Stage("", _recipe(content, (), where))]
    if not isinstance(stages, list) or not stages or not all(isinstance(stage, dict) for stage in stages):
        raise InputError(
            f"{where.of((STAGES,))}: stages is a list of changes to the recipe, each with a name."
        )
    return _stages(content, stages, where)


def _stages(content: dict[str, Any], stages: list[dict[str, Any]], where: _Where) -> list[Stage]:
    found: list[Stage] = []
    for place, stage in enumerate(stages):
        name = stage.pop("name", None)
        if not isinstance(name, str) or not re.fullmatch(r"[\w-]+", name) or name in {s.name for s in found}:
            raise InputError(
                f"{where.of((STAGES, place))}: every stage has a name of its own, of letters, digits and -."
            )
        if STAGES in stage:
            raise InputError(f"{where.of((STAGES, place, STAGES))}: a stage cannot have stages.")
        found.append(Stage(name, _recipe(_merged(content, stage), (STAGES, place), where)))
    return found


@dataclass(frozen=True)
class _Where:
    """Finds the place of a key: its line, or the override that set it."""

    file: Path
    lines: Mapping[Key, int]
    given: Mapping[Key, str]

    def of(self, key: Key) -> str:
        """Such as "recipes/x.yaml, line 3"; of a missing key the line of what should hold it."""
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
        raise InputError(f"{where.file} holds values that are no plain numbers, words or lists.") from None


def _sentence(error: ValidationError, content: dict[str, Any], stage: Key, where: _Where) -> str:
    first = _most_telling(error)
    context = first.get("ctx", {})
    key: Key = tuple(part for part in first["loc"] if _is_key(part))
    if first["type"] == "impossible":
        key = (*key, *str(context["key"]).split("."))
    key = _existing(key, content) if first["type"] not in ("missing", "impossible") else key
    place = where.of((*stage, *key)) if stage and where.knows((*stage, *key)) else where.of(key)
    name = ".".join(map(str, key))
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{place}: {name} is no key of a recipe{_suggestion(key)}: remove or correct it."
    if first["type"] == "missing":
        return f"{place}: {name} is missing: add it."
    if first["type"] == "impossible":
        return f"{place}: {name} is impossible: {context['reason']}."
    value = json.dumps(first["input"])
    value = value if len(value) <= 60 else value[:57] + "..."
    reason = first["msg"][:1].lower() + first["msg"][1:]
    return f"{place}: {name} cannot be {value}: {reason}."


def _most_telling(error: ValidationError) -> Any:
    """Unknown keys first: what else is wrong often follows from them."""
    found = error.errors(include_url=False)
    unknown = [e for e in found if e["type"] in ("extra_forbidden", "unexpected_keyword_argument")]
    return (unknown or found)[0]


def _is_key(part: str | int) -> bool:
    return isinstance(part, int) or re.fullmatch(r"[A-Za-z_][\w*?.\- ]*", part) is not None


def _existing(key: Key, content: Any) -> Key:
    """The part of pydantic's location that is in the file: it adds names of the types that it tried."""
    for place, part in enumerate(key):
        inside = part in content if isinstance(content, dict) else isinstance(content, list)
        if not inside:
            return key[:place]
        content = content[part]
    return key


def _suggestion(key: Key) -> str:
    close = difflib.get_close_matches(str(key[-1]), _all_keys(), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _all_keys() -> list[str]:
    schema = json.dumps(Recipe.model_json_schema())
    return sorted(set(re.findall(r'"(\w+)": \{', schema)) - {"properties", "items", "$defs"})


def _read(file: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a UTF-8 text file"
        raise InputError(f"The recipe {file} cannot be read ({reason}): check the path.") from error
    try:
        root = yaml.compose(text, _Loader)
        content = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise InputError(f"{file}{line}: the recipe cannot be read: {problem}.") from error
    if not isinstance(content, dict) or root is None:
        raise InputError(f"The recipe {file} has no keys: see docs/train.md for an example.")
    lines: dict[Key, int] = {}
    _note_lines(root, (), file, lines)
    return content, lines


def _note_lines(node: yaml.Node, key: Key, file: Path, lines: dict[Key, int]) -> None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            inner = (*key, str(name.value))
            if inner in lines:
                raise InputError(
                    f"{file}, line {name.start_mark.line + 1}: {'.'.join(map(str, inner))} is given twice."
                )
            lines[inner] = name.start_mark.line + 1
            _note_lines(value, inner, file, lines)
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            lines[(*key, place)] = value.start_mark.line + 1
            _note_lines(value, (*key, place), file, lines)


def _override(content: dict[str, Any], override: str) -> Key:
    """Carry out `a.b=c`; numbers are places in lists."""
    path, equals, text = override.partition("=")
    if not equals or not path.strip():
        raise InputError(f"--set {override} is not KEY=VALUE: write, for example, --set schedule.steps=100.")
    try:
        value = yaml.load(text, _Loader)
    except yaml.YAMLError:
        raise InputError(f"--set {override}: the value cannot be read as YAML: quote it.") from None
    key: list[str | int] = []
    inner: Any = content
    parts = path.strip().split(".")
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if isinstance(inner, list):
            if not part.isdecimal() or int(part) >= len(inner):
                name, most = ".".join(map(str, key)), len(inner) - 1
                raise InputError(
                    f"--set {override}: {name} is a list and {part} no entry of it: "
                    + (f"give a number from 0 to {most}." if inner else "write entries into the recipe.")
                )
            key.append(int(part))
        elif isinstance(inner, dict):
            key.append(part)
            if not last and not isinstance(inner.get(part), dict | list):
                inner[part] = {}
        if last:
            inner[key[-1]] = value
        else:
            inner = inner[key[-1]]
    return tuple(key)


def _merged(base: Any, change: Any) -> Any:
    """The base with what the change says otherwise; lists are replaced whole."""
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return copy.deepcopy(change)
    return {
        key: _merged(base[key], change[key]) if key in base and key in change
        else copy.deepcopy(change.get(key, base.get(key)))
        for key in [*base, *(key for key in change if key not in base)]
    }  # fmt: skip
