"""Reads a YAML file into a pydantic model; every fault is told as file, line, key and reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from driver_monitor.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)
Key = tuple[int | str, ...]

MAX_BYTES = 1_000_000
"""A configuration is written by hand; anything larger is the wrong file."""
MAX_DEPTH = 30
"""Deeper nesting than any configuration has; beyond a few hundred levels the YAML parser itself would give up."""


def load(path: Path, model: type[Model]) -> Model:
    """Read `path` and validate it as `model`.

    Raises `ConfigError` with one line a fault: file, line, key, reason.
    """
    return parse(read_text(path), str(path), model)


def read_text(path: Path) -> str:
    """Return the text of a YAML file; raises `ConfigError` when it cannot be read as text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot read it: {error.strerror}; check the path and its permissions") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: {len(data)} bytes is too large for a YAML file of ours; is it the right file?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); is it the right file?") from error


def parse(text: str, name: str, model: type[Model]) -> Model:
    """Validate YAML `text` as `model`; `name` is what errors call the file. Raises `ConfigError`."""
    node = _compose(text, name)
    lines = dict(_walk(node, (), name)) if node is not None else {}
    values = {} if node is None else _construct(node, f"{name}:1")
    if not isinstance(values, dict):
        raise ConfigError(f"{name}:1: expected `key: value` lines, found {_kind(values)}")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(error, name, lines))) from None


def _compose(text: str, name: str) -> yaml.Node | None:
    try:
        _refuse_tricks(text)
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"{name}:{line}: not valid YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}:1: not valid YAML: {' '.join(str(error).split())}") from None


def _refuse_tricks(text: str) -> None:
    """Refuse deep nesting and aliases: no configuration needs them, and both can blow a small file up."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _fault("aliases (*name) are not supported", event)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _fault(f"nested deeper than {MAX_DEPTH} levels", event)


def _fault(problem: str, event: yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]


def _walk(node: yaml.Node, key: Key, file: str) -> Iterator[tuple[Key, int]]:
    """Yield each value's key path and its line; refuse a key that stands twice and a value YAML cannot make."""
    yield key, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                raise ConfigError(f"{file}:{line}: a key must be a plain word")
            if name.value in seen:
                raise ConfigError(f"{file}:{line}: {_dotted((*key, name.value))}: stands twice")
            seen.add(name.value)
            yield (*key, name.value, "<key>"), line
            yield from _walk(value, (*key, name.value), file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(value, (*key, index), file)
    else:
        _construct(node, f"{file}:{node.start_mark.line + 1}: {_dotted(key)}")


def _construct(node: yaml.Node, where: str) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    except (yaml.MarkedYAMLError, ValueError, OverflowError) as error:
        raise ConfigError(f"{where}: {getattr(error, 'problem', None) or error}") from None
    finally:
        loader.dispose()


def _explain(error: ValidationError, name: str, lines: dict[Key, int]) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        key = tuple(part for part in fault["loc"])
        reason = {"extra_forbidden": "unknown key", "missing": "missing"}.get(fault["type"], fault["msg"])
        if fault["type"] not in ("extra_forbidden", "missing"):
            reason = f"{reason[0].lower()}{reason[1:]}".removeprefix("value error, ")
            reason += "" if fault["type"] == "value_error" else f", found {_shown(fault['input'])}"
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
