"""Errors in a configuration or a profile are in plain English: no regular expressions and no words of Python."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
import yaml
from pydantic import BaseModel, Field, ValidationError

from driver_monitor.config import yaml_file
from driver_monitor.config.schema import Config
from driver_monitor.errors import ConfigError
from driver_monitor.nets.manifest import Manifest
from driver_monitor.rules.profile import Profile

Key = tuple[str | int, ...]

CLOSED = {"signal": "eyes.closed_s", "at_least": 1}
PROFILE: dict[str, Any] = {
    "name": "mine",
    "description": "mine",
    "workplace": False,
    "extends": None,
    "acknowledge": "info",
    "standstill": {"below_kmh": 5, "level": "info"},
    "rules": [
        {
            "id": "nap",
            "when": {"all": [CLOSED, {"any": [{"signal": "face.present", "is": True}]}]},
            "for_s": 1,
            "patience": {"by_s": 1, "when": CLOSED},
            "from_kmh": 5,
            "clear": {"signal": "eyes.closed_s", "at_most": 0},
            "clear_for_s": 1,
            "lock": {"after_s": 1, "clear_for_s": 1},
            "level": "info",
            "escalate": [{"level": "critical", "after_s": 1, "when": CLOSED}],
            "cooldown_s": 1,
            "attention": "drowsy",
            "kind": "sleep",
            "mute": True,
            "message": "Nap",
            "clause": "ours",
        }
    ],
}
MANIFEST = {"models": {"a.onnx": {"sha256": "0" * 64, "bytes": 1, "date": "2026-01-31", "licence": "MIT", "card": "a"}}}
FILES: dict[type[BaseModel], dict[str, Any]] = {
    Config: Config().model_dump(mode="json"),
    Profile: PROFILE,
    Manifest: MANIFEST,
}
RUBBISH = [
    None,
    True,
    0,
    -1,
    7,
    1.5,
    10**9,
    float("nan"),
    float("-inf"),
    "",
    "?",
    "two words",
    "1",
    "tcp://0.0.0.0:1",
    "can:?",
    "é" * 2000,
    [],
    [1],
    ["a", {}],
    {},
    {"a": 1},
    {"signal": "eyes.closed_s"},
]
PYTHON = re.compile(
    r"\^|\\|pydantic|Traceback|NoneType|<class|input should"
    r"|\b(str|string|int|integer|float|bool|boolean|dict|dictionary|tuple|None|True|False|instance)\b"
)


def keys(value: object, at: Key = ()) -> Iterator[Key]:
    """Every key path in a file."""
    if at:
        yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in items:
        yield from keys(part, (*at, name))


def changed(values: dict[str, Any], key: Key, value: object) -> dict[str, Any]:
    values = copy.deepcopy(values)
    part: Any = values
    for name in key[:-1]:
        part = part[name]
    if value is MISSING:
        del part[key[-1]]
    else:
        part[key[-1]] = value
    return values


MISSING = object()
PLACES = [(model, key) for model, values in FILES.items() for key in keys(values)]


def errors(model: type[BaseModel], values: object) -> list[str]:
    try:
        yaml_file.parse(yaml.safe_dump(values, allow_unicode=True), "my.yaml", model)
    except ConfigError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize(("model", "key"), PLACES, ids=lambda part: getattr(part, "__name__", str(part)))
def test_fail__rubbish_in_any_field_is_explained_in_plain_words(model: type[BaseModel], key: Key) -> None:
    lines = [line for value in RUBBISH for line in errors(model, changed(FILES[model], key, value))]
    lines += errors(model, changed(FILES[model], key, MISSING))
    if isinstance(key[-1], str):
        lines += errors(model, changed(FILES[model], (*key[:-1], f"{key[-1]}x"), 1))
    assert lines
    for line in lines:
        assert re.match(r"my\.yaml:\d+: \S.*?: \S", line), line
        assert not PYTHON.search(line), line
        assert len(line) < 3000, line


def test_ok__the_rubbish_is_put_into_every_field_of_every_part() -> None:
    def fields(model: type[BaseModel]) -> Iterator[str]:
        for name, field in model.model_fields.items():
            yield field.alias or name
            for part in (field.annotation, *get_args(field.annotation)):
                inner = [part, *get_args(part)]
                yield from (f for m in inner if is_model(m) and m is not model for f in fields(m))

    for model in FILES:
        assert set(fields(model)) - {"above", "below"} <= {part for m, key in PLACES if m is model for part in key}


def is_model(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def test_ok__every_pattern_of_the_models_has_its_words() -> None:
    patterns = set()
    for model in FILES:
        patterns |= set(re.findall(r"'pattern': '(.*?)'", str(model.model_json_schema()).replace("\\\\", "\\")))
    assert patterns
    assert patterns <= set(yaml_file._FORMS)


class Unlisted(BaseModel):
    """A model with a pattern that has no words, and an error of its own."""

    code: Annotated[str, Field(pattern="^[A-Z]+$")] = "A"


def test_fail__a_pattern_without_words_is_not_shown_either() -> None:
    with pytest.raises(ValidationError):
        Unlisted(code="a")
    assert errors(Unlisted, {"code": "a"}) == ["my.yaml:1: code: not a valid value here, found 'a'"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vehicle: {id: my car}", "my.yaml:1: vehicle.id: use only letters, digits and _ . : -, found 'my car'"),
        ("camera: {source: ''}", "my.yaml:1: camera.source: must have 1 or more characters, found ''"),
        ("camera: {source: 5}", "my.yaml:1: camera.source: expected text; numbers, true and false need quotes here"),
        ("camera: {pixel_format: NV12}", "expected 'auto', 'MJPG', 'YUYV', 'GREY' or 'Y16', found 'NV12'"),
        ("emotion: {enabled: }", "my.yaml:1: emotion.enabled: expected true or false, without quotes, found nothing"),
        ("gpio: {led_pin: [1]}", "my.yaml:1: gpio.led_pin: expected a whole number, without quotes, found a list"),
        ("zmq: {state_hz: {a: 1}}", "zmq.state_hz: expected a number, without quotes, found `key: value` lines"),
        ("camera: {fps: .inf}", "my.yaml:1: camera.fps: expected a finite number, found .inf"),
        ("camera: off", "my.yaml:1: camera: expected `key: value` lines, found 'off'"),
        ("just text", "my.yaml:1: expected `key: value` lines, found 'just text'"),
        ("a:\n\tb: 1", "my.yaml:2: not valid YAML: found a tab that cannot start any token"),
    ],
)
def test_fail__the_words_of_the_common_mistakes(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        yaml_file.parse(text, "my.yaml", Config)
    assert expected in str(error.value)
