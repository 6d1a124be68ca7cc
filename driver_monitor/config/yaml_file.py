"""Reads a YAML file into a pydantic model; every fault is told as file, line, key and reason."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

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
"""Plain scalars mean what YAML 1.2's core schema says. PyYAML's own YAML 1.1 takes 1:30 for 90, 017 for 15 and `on` for
true without a word; here they stay text, and a field that wants a number or a switch refuses them."""

Model = TypeVar("Model", bound=BaseModel)
Key = tuple[int | str, ...]

MAX_BYTES = 256_000
"""A configuration is written by hand; anything larger is the wrong file, and would take seconds to parse."""
MAX_NUMBER = 40
"""Characters of the longest number; Python itself refuses some thousand digits."""
MAX_DEPTH = 30
"""Deeper nesting than any configuration has; beyond a few hundred levels the YAML parser itself would give up."""


def load(path: Path, model: type[Model]) -> Model:
    """Read `path` and validate it as `model`.

    Raises `ConfigError` with one line a fault: file, line, key, reason.
    """
    return parse(read_text(path), str(path), model)


def read_text(path: Path) -> str:
    """Return the text of a YAML file; raises `ConfigError` when it cannot be read as text.

    Only regular files are opened: a pipe would keep us waiting, and a device may never end.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise _error(f"{path}: cannot read it: {_file_kind(mode)}, not a regular file; name a .yaml file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _error(f"{path}: cannot read it: {error.strerror}; check the path and its permissions") from error
    except ValueError as error:
        raise _error(f"{path}: cannot read it: {error}; check the path") from error
    if len(data) > MAX_BYTES:
        raise _error(f"{path}: more than {MAX_BYTES} bytes, too large for a YAML file of ours; is it the right file?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _error(f"{path}: not UTF-8 text (byte {error.start}); is it the right file?") from error


def _file_kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _error(*lines: str) -> ConfigError:
    """Return an error with one line a fault, whatever stands in keys, values and paths."""
    return ConfigError("\n".join(map(_one_line, lines)))


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def parse(text: str, name: str, model: type[Model]) -> Model:
    """Validate YAML `text` as `model`; `name` is what errors call the file. Raises `ConfigError`."""
    node = _compose(text, name)
    lines = dict(_walk(node, (), name)) if node is not None else {}
    values = {} if node is None else _value(node)
    if not isinstance(values, dict):
        raise _error(f"{name}:1: expected `key: value` lines, found {_kind(values)}")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _error(*_explain(error, name, lines)) from None


def _compose(text: str, name: str) -> yaml.Node | None:
    try:
        _refuse_tricks(text)
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise _error(f"{name}:{line}: not valid YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise _error(f"{name}:1: not valid YAML: {' '.join(str(error).split())}") from None


def _refuse_tricks(text: str) -> None:
    """Refuse deep nesting, aliases and tags: no configuration needs them, and they can make much of a small file."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _fault("aliases (*name) are not supported", event)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _fault(f"tags ({tag}) are not supported", event)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _fault(f"nested deeper than {MAX_DEPTH} levels", event)


def _fault(problem: str, event: yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]


def _walk(node: yaml.Node, key: Key, file: str) -> Iterator[tuple[Key, int]]:
    """Yield each value's key path and its line; refuse a key that is no word or stands twice."""
    yield key, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                raise _error(f"{file}:{line}: a key must be a plain word")
            if name.value in seen:
                raise _error(f"{file}:{line}: {_dotted((*key, name.value))}: stands twice")
            seen.add(name.value)
            yield (*key, name.value, "<key>"), line
            yield from _walk(value, (*key, name.value), file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(value, (*key, index), file)


def _value(node: yaml.Node) -> Any:
    """Return what a node holds; `_walk` has seen to it that every key is a word."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: _value(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value(value) for value in node.value]
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None or len(text) > MAX_NUMBER:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _explain(error: ValidationError, name: str, lines: dict[Key, int]) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        key = tuple(part for part in fault["loc"])
        reason = {"extra_forbidden": "unknown key", "missing": "missing"}.get(fault["type"], fault["msg"])
        if fault["type"] not in ("extra_forbidden", "missing"):
            reason = f"{reason[0].lower()}{reason[1:]}".removeprefix("value error, ")
            reason += "" if fault["type"] == "value_error" else f", found {_shown(fault['input'])}"
        if fault["type"].startswith("bool"):
            reason += "; write true or false, without quotes"
        yield f"{name}:{_line(key, lines)}: {_dotted(key)}: {reason}"


def _line(key: Key, lines: dict[Key, int]) -> int:
    """Return the line of the deepest part of `key` that stands in the file."""
    for length in range(len(key), 0, -1):
        found = lines.get((*key[:length], "<key>")) or lines.get(key[:length])
        if found:
            return found
    return 1


def _dotted(key: Key) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".") or "file"


def _kind(value: object) -> str:
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(value), type(value).__name__)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
