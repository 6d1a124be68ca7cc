"""Reads a YAML file into a pydantic model. An error names file and reason, and line and key if known."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from driver_monitor.errors import ConfigError

_INT = re.compile(r"[-+]?(0|[1-9]\d*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    "-.inf": float("-inf"),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
"""The meaning of words without quotes, as in the core schema of YAML 1.2. PyYAML follows YAML 1.1: it reads
1:30 as 90, 017 as 15, `on` as true. Here these three stay text, and a field for a number or true/false refuses them."""

Model = TypeVar("Model", bound=BaseModel)
Key = tuple[int | str, ...]

MAX_BYTES = 64 * 1024
"""Ours: ten times the shipped configuration. A running daemon reads such a file again within a second."""
MAX_FAULTS = 20
"""Most faults that one error names (ours). A wrong file of many lines would fill the journal."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser is about ten times faster than the one in Python, which PyYAML has where libyaml is missing."""
MAX_NUMBER = 40
"""Characters of the longest number (ours); a longer one stays text. Python refuses some thousand digits."""
MAX_DEPTH = 30
"""Levels of nesting (ours). The YAML parser fails at a few hundred levels."""
MAX_EVENTS = 10_000
"""Keys, values, beginnings and ends of lists (ours). The largest shipped profile has 450. More of them keep the thread
of a reload, and with it the live loop, busy for a second on a loaded machine."""
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"

_REASONS = {
    "missing": "missing; add this key",
    "extra_forbidden": "unknown key; check its spelling",
    "bool_type": "expected true or false, without quotes",
    "int_type": "expected a whole number, without quotes",
    "float_type": "expected a number, without quotes",
    "float_parsing": "expected a number",
    "finite_number": "expected a finite number",
    "string_type": "expected text; numbers, true and false need quotes here",
    "string_unicode": "expected text of valid Unicode characters",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have at most {max_length} characters",
    "path_type": "expected a path",
    "literal_error": "expected {expected}",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "too_long": "must have at most {max_length} values",
    **dict.fromkeys(("list_type", "tuple_type"), "expected a list"),
    **dict.fromkeys(("dict_type", "model_type"), "expected `key: value` lines"),
}
"""Our text for each type of pydantic error. The sentences of pydantic name Python types."""
_FORMS = {
    r"^[\w.:-]+$": "use only letters, digits and _ . : -",
    r"^[\w.-]+$": "use only letters, digits and _ . -",
    r"^[a-z][a-z0-9_]*$": "use only a to z, digits and _, and begin with a letter",
    r"^[0-9a-f]{64}$": "expected 64 digits from 0 to 9 and a to f",
    r"^\d{4}-\d{2}-\d{2}$": "expected a date such as 2026-01-31",
}
"""Our text for each pattern of our models."""


def load(path: Path, model: type[Model]) -> Model:
    """Read `path` and validate it as `model`. Raises `ConfigError` with one line of text for each fault."""
    return parse(read_text(path), str(path), model)


def read_text(path: Path) -> str:
    """Return the text of a file. Raises `ConfigError` if it is unreadable, not UTF-8 or larger than `MAX_BYTES`.

    Only regular files are opened: reading a pipe can block, and reading a device may never end.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
            kind = kinds.get(stat.S_IFMT(mode), "a device")
            raise _error(f"{path}: cannot read it: {kind}, not a regular file; name a .yaml file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise _error(f"{path}: cannot read it: {reason}; check the path and its permissions") from error
    if len(data) > MAX_BYTES:
        raise _error(f"{path}: too large: more than {MAX_BYTES} bytes; check that it is the right file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _error(f"{path}: not UTF-8 text (byte {error.start}); check that it is the right file") from error


def _error(*lines: str) -> ConfigError:
    """Return an error with one line for each fault. Line breaks and control characters are escaped."""
    escaped = ["".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line) for line in lines]
    return ConfigError("\n".join(escaped))


def parse(text: str, name: str, model: type[Model]) -> Model:
    """Validate YAML `text` as `model`; empty text has no keys. Raises `ConfigError`. `name`: the file, for errors."""
    node = _compose(text, name)
    lines = dict(_walk(node, (), name)) if node is not None else {}
    values = {} if node is None else _value(node)
    if not isinstance(values, dict):
        raise _error(f"{name}:1: expected `key: value` lines, found {_shown(values)}")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        named = [(fault["loc"], plain_reason(fault)) for fault in faults[:MAX_FAULTS]]
        more = [f"{name}: and {len(faults) - MAX_FAULTS} more faults"] if len(faults) > MAX_FAULTS else []
        raise _error(*(f"{name}:{_line(key, lines)}: {_dotted(key)}: {text}" for key, text in named), *more) from None


def _compose(text: str, name: str) -> yaml.Node | None:
    try:
        _refuse_tricks(text)
        return yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _error(f"{name}:{mark.line + 1 if mark else 1}: not valid YAML: {_problem(error, text)}") from None


def _problem(error: yaml.YAMLError, text: str) -> str:
    """Return the parser's words for what is wrong in `text`; ours where it does not say which character or limit."""
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    mark = getattr(error, "problem_mark", None)
    if problem == "exceeded maximum nesting depth":  # libyaml's own limit: it reads ahead
        return TOO_DEEP
    if "cannot start any token" in problem and mark is not None:
        line = (text.split("\n")[mark.line : mark.line + 1] or [""])[0]
        found = line[mark.column : mark.column + 1]
        return f"found {'a tab' if found == chr(9) else repr(found)} that cannot start any token"
    return str(problem)


def _refuse_tricks(text: str) -> None:
    """Refuse deep nesting, aliases, tags and very many values. No configuration needs them.

    With aliases a small file can expand to a huge one.
    """
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=LOADER)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        problem = TOO_DEEP if depth > MAX_DEPTH else None
        tag = getattr(event, "tag", None)
        if count > MAX_EVENTS:
            problem = f"more than {MAX_EVENTS} keys and values; check that it is the right file"
        elif isinstance(event, yaml.AliasEvent):
            problem = "aliases (*name) are not supported; repeat the value"
        elif tag is not None:
            problem = f"tags ({tag}) are not supported; remove the tag"
        if problem:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]


def _walk(node: yaml.Node, key: Key, file: str) -> Iterator[tuple[Key, int]]:
    """Yield key path and line of each value and each key. Raises `ConfigError` if a key is no word or appears twice."""
    yield key, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for name, value in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                raise _error(f"{file}:{line}: a key must be a plain word")
            if name.value in names:
                raise _error(f"{file}:{line}: {_dotted((*key, name.value))}: appears twice; remove one")
            names.add(name.value)
            yield (*key, name.value, "<key>"), line
            yield from _walk(value, (*key, name.value), file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(value, (*key, index), file)


def _value(node: yaml.Node) -> Any:
    """Return the Python value of a node. Quoted values (with a `style`) stay text. `_walk` has checked the keys."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: _value(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value(value) for value in node.value]
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style or len(text) > MAX_NUMBER:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def plain_reason(fault: ErrorDetails) -> str:
    """Return what is wrong, in our words or else in pydantic's, and the found value if that helps."""
    kind, context, value = fault["type"], fault.get("ctx", {}), fault["input"]
    if kind == "value_error":
        return fault["msg"].removeprefix("Value error, ")
    if kind == "string_pattern_mismatch":
        text = _FORMS.get(context["pattern"], "not a valid value here")
    else:
        text = _REASONS[kind].format(**context) if kind in _REASONS else fault["msg"]
    whole_part = kind not in _REASONS and isinstance(value, list | dict)
    return text if whole_part or kind in ("missing", "extra_forbidden") else f"{text}, found {_shown(value)}"


def _line(key: Key, lines: dict[Key, int]) -> int:
    """Return the line of the longest beginning of `key` that is in the file, or 1."""
    paths = (path for n in range(len(key), 0, -1) for path in ((*key[:n], "<key>"), key[:n]))
    return next((lines[path] for path in paths if path in lines), 1)


def _dotted(key: Key) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".") or "file"


def _shown(value: object) -> str:
    """Return a value as it looks in YAML, at most 60 characters; for a list or mapping, its kind in words."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "`key: value` lines"
    words = {"None": "nothing", "True": "true", "False": "false", "nan": ".nan", "inf": ".inf", "-inf": "-.inf"}
    text = f"'{value}'" if isinstance(value, str) else words.get(str(value), str(value))
    return text if len(text) <= 60 else f"{text[:57]}..."
