"""YAML with the line of every key, and changes from the command line."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import yaml

from openvss.errors import InputError
from openvss.storage.reading import read_text

Key = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """YAML as people write it: 3e-5 is a number, and only true and false are booleans."""


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


MOST_BYTES = 2_000_000  # of a recipe
MOST_VALUES = 100_000  # in it


def read(file: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    """The content of a file, and the line of every key and entry in it."""
    try:
        text = read_text(file, MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a UTF-8 text file"
        raise InputError(f"The recipe {file} cannot be read ({reason}): check the path.") from error
    try:
        root, content = yaml.compose(text, _Loader), _load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise InputError(f"{file}{line}: the recipe cannot be read: {problem}.") from error
    except RecursionError:
        raise InputError(f"The recipe {file} is nested too deeply, or in itself: write it out.") from None
    if not isinstance(content, dict) or root is None:
        raise InputError(f"The recipe {file} has no keys: see docs/train.md for an example.")
    lines: dict[Key, int] = {}
    _note_lines(root, (), file, lines)
    return content, lines


def _load(text: str) -> Any:
    """The content of YAML; RecursionError if it is nested in itself or grows without bound by its aliases."""
    content = yaml.load(text, _Loader)
    if _count(content) > MOST_VALUES:
        raise RecursionError
    return content


def _count(value: Any, before: int = 0) -> int:
    """How many values there are once aliases are written out; counting stops where that is too many."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        if before > MOST_VALUES:
            break
        before = _count(one, before)
    return before + 1


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


def change(content: dict[str, Any], assignment: str) -> Key:
    """Carry out `a.b=c`, where numbers are positions in lists.

    Returns the outermost key whose value is new: `a`, if it had to become a section to hold `b`.
    """
    path, equals, text = assignment.partition("=")
    if not equals or not path.strip():
        raise InputError(
            f"--set {assignment} is not KEY=VALUE: write, for example, --set schedule.steps=100."
        )
    try:
        value = _load(text)
    except (yaml.YAMLError, RecursionError):
        raise InputError(f"--set {assignment}: the value cannot be read as YAML: quote it.") from None
    *outer, last = path.strip().split(".")
    key: list[str | int] = []
    new: Key = ()
    inner: Any = content
    for part in outer:
        place = _place(inner, part, key, assignment)
        key.append(place)
        if isinstance(inner, dict) and not isinstance(inner.get(part), dict | list):
            inner[part] = {}
            new = new or tuple(key)
        inner = inner[place]
    place = _place(inner, last, key, assignment)
    inner[place] = value
    return new or (*key, place)


def _place(inner: Any, part: str, key: list[str | int], assignment: str) -> str | int:
    """A part of a key: a name in a section, or a position in a list."""
    if isinstance(inner, dict):
        return part
    if not part.isdecimal() or int(part) >= len(inner):
        name, most = ".".join(map(str, key)), len(inner) - 1
        raise InputError(
            f"--set {assignment}: {name} is a list without an entry {part}: "
            + (f"give a number from 0 to {most}." if inner else "write its entries into the recipe.")
        )
    return int(part)


def merged(base: Any, change: Any) -> Any:
    """The base, with what the change says differently; lists are replaced as a whole."""
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return copy.deepcopy(change)
    return {
        key: merged(base[key], change[key]) if key in base and key in change
        else copy.deepcopy(change.get(key, base.get(key)))
        for key in [*base, *(key for key in change if key not in base)]
    }  # fmt: skip
